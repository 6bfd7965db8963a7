// Times and amounts as the reader writes them; the exact value is the tooltip.

import { decimal, instant, signOf, usd, utc } from "../data/format.ts";

export function Time(props: { at: string }) {
  return <time dateTime={props.at} title={utc(props.at)}>{instant(props.at)}</time>;
}

export function Usd(props: { amount: string; signed?: boolean }) {
  const sign = props.signed ? ["down", "", "up"][signOf(props.amount) + 1] : "";
  return <span class={`number ${sign}`} title={`${props.amount} USD`}>{usd(props.amount)}</span>;
}

export const Decimal = (props: { value: string | number }) => <span class="number">{decimal(props.value)}</span>;

/** A user. A private one has no name. */
export function User(props: { id?: string | null | undefined }) {
  return props.id ? <span class="user" title={props.id}>{props.id}</span> : <span class="user soft">private</span>;
}
