import{y as n}from"./part-VIT2NCAD.js";function e(d){return n("div",{children:[n("dt",{children:d.name}),n("dd",{children:d.children})]})}export{e as a};
