import{z as n}from"./part-53GTMR4R.js";function e(d){return n("div",{children:[n("dt",{children:d.name}),n("dd",{children:d.children})]})}export{e as a};
