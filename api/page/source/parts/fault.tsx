// What the reader is told when a question to the API failed.

import type { Asked } from "../data/asking.ts";
import { sentenceOf, textOf } from "./form.tsx";
import { Time } from "./texts.tsx";

/** Says what failed, and offers to try again where that is possible. */
export function Fault({ error, again }: { error: unknown; again?: () => void }) {
  if (error === null) return null;
  return (
    <p class="fault" role="alert">
      {textOf(error)} {again && <button class="link" type="button" onClick={again}>Try again</button>}
    </p>
  );
}

/** Says that what is asked again and again could not be asked last, and since when what is shown is old. */
export function Old({ of: { error, data, at } }: { of: Asked<unknown> }) {
  if (error === null) return null;
  return (
    <p class="fault" role="alert">
      {sentenceOf(error)} {data !== null && <>This is as of <Time at={new Date(at).toISOString()} />.</>}
    </p>
  );
}
