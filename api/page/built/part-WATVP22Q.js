import{Y as e}from"./part-OQVGSUEH.js";var n=()=>e("/v1/rules").data;export{n as a};
