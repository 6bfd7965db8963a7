import{v as n}from"./part-JJ6DNCYJ.js";function e(d){return n("div",{children:[n("dt",{children:d.name}),n("dd",{children:d.children})]})}export{e as a};
