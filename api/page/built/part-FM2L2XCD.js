import{ia as e}from"./part-AGWDIFE4.js";var n=()=>e("/v1/rules").data;export{n as a};
