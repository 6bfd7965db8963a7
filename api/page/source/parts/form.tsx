// A form whose fields are read when it is sent, and that says what became of it.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

import { newKey, ProblemError, MessageError } from "../data/api.ts";

export function textOf(error: unknown): string {
  if (error instanceof ProblemError) return error.detail ? `${error.message}: ${error.detail}` : error.message;
  if (error instanceof MessageError) return error.message;
  return "The API cannot be reached. Try again in a moment.";
}

/** Return the text of an error with a full stop, for another sentence to follow. */
export const sentenceOf = (error: unknown): string => textOf(error).replace(/\.?$/, ".");

type Send = (fields: Record<string, string>, key: string) => Promise<string | void>;

/** A form and its button.
 *
 * `send` gets a key for its command: the same one again when no answer came before. The form shows the text that it
 * returns, and empties its fields then. `label` names a button that many rows have.
 */
export function Form(props: { send: Send; button: string; label?: string; kind?: string; children?: ComponentChildren }) {
  const [state, setState] = useState<{ busy: boolean; fault: string; said: string }>({ busy: false, fault: "", said: "" });
  const key = useRef("");
  const submitted = async (event: Event) => {
    event.preventDefault();
    if (state.busy) return;
    const form = event.currentTarget as HTMLFormElement;
    const { submitter } = event as SubmitEvent;
    setState({ busy: true, fault: "", said: "" });
    try {
      key.current ||= newKey();
      const said = await props.send(Object.fromEntries(new FormData(form, submitter)) as Record<string, string>, key.current);
      key.current = "";
      if (said) form.reset();
      setState({ busy: false, fault: "", said: said ?? "" });
    } catch (error) {
      if (error instanceof ProblemError && error.status < 500) key.current = "";
      setState({ busy: false, fault: textOf(error), said: "" });
    }
  };
  return (
    <form onSubmit={submitted} aria-busy={state.busy}>
      {props.children}
      <button aria-disabled={state.busy} aria-label={props.label} class={props.kind}>{props.button}</button>
      <p class="said" role="status">{state.said}</p>
      {state.fault && <p class="fault" role="alert">{state.fault}</p>}
    </form>
  );
}
