import{Y as e}from"./part-AKDTDD4A.js";var n=()=>e("/v1/rules").data;export{n as a};
