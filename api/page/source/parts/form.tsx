// A form whose fields are read when it is sent, and that says why it was refused.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

import { newKey, ProblemError } from "../data/api.ts";

export function textOf(error: unknown): string {
  if (error instanceof ProblemError) return error.detail ? `${error.message}: ${error.detail}` : error.message;
  return "The API cannot be reached. Try again in a moment.";
}

type Send = (fields: Record<string, string>, key: string) => Promise<void>;

/** `send` gets a key for its command: the same one again when no answer came before. */
export function Form(props: { send: Send; button: string; children: ComponentChildren }) {
  const [state, setState] = useState<{ busy: boolean; fault: string }>({ busy: false, fault: "" });
  const key = useRef("");
  const submitted = async (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { submitter } = event as SubmitEvent;
    setState({ busy: true, fault: "" });
    try {
      key.current ||= newKey();
      await props.send(Object.fromEntries(new FormData(form, submitter)) as Record<string, string>, key.current);
      key.current = "";
      setState({ busy: false, fault: "" });
    } catch (error) {
      if (error instanceof ProblemError && error.status < 500) key.current = "";
      setState({ busy: false, fault: textOf(error) });
    }
  };
  return (
    <form onSubmit={submitted} aria-busy={state.busy}>
      {props.children}
      <button disabled={state.busy}>{props.button}</button>
      {state.fault && <p class="fault" role="alert">{state.fault}</p>}
    </form>
  );
}
