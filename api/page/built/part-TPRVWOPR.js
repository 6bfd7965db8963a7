import{W as e}from"./part-C3O4F3DV.js";var n=()=>e("/v1/rules").data;export{n as a};
