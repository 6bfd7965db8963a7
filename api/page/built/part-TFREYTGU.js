import{Y as e}from"./part-RBDT5EL3.js";var n=()=>e("/v1/rules").data;export{n as a};
