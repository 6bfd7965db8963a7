import{V as e}from"./part-3K2WIQ2R.js";var n=()=>e("/v1/rules").data;export{n as a};
