import{ia as e}from"./part-S7FVRHEV.js";var n=()=>e("/v1/rules").data;export{n as a};
