import{y as n}from"./part-B4VV5DJL.js";function e(d){return n("div",{children:[n("dt",{children:d.name}),n("dd",{children:d.children})]})}export{e as a};
