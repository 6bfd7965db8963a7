import{ia as e}from"./part-ZWDNTH56.js";var n=()=>e("/v1/rules").data;export{n as a};
