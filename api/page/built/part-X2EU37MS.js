import{ia as e}from"./part-2CSIVRQT.js";var n=()=>e("/v1/rules").data;export{n as a};
