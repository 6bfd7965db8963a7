import{Z as e}from"./part-D5ZLDQCK.js";var n=()=>e("/v1/rules").data;export{n as a};
