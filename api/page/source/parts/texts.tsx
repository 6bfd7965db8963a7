// Times and amounts as the reader writes them; the exact value is the tooltip.

import { dayAndClock, decimal, short, signOf, SIZE_DECIMALS, usd, utc } from "../data/format.ts";
import { nameOf } from "../data/names.ts";
import { user } from "../data/session.ts";
import { follow } from "../shell/router.ts";

export function Time(props: { at: string }) {
  const { day, clock } = dayAndClock(props.at);
  return <time dateTime={props.at} title={utc(props.at)}>{day ? <>{day}<span class="word">, {clock}</span></> : clock}</time>;
}

/** An amount of USD. `shown` is its rounded text where it is a part of a sum. */
export function Usd(props: { amount: string; signed?: boolean; shown?: string }) {
  const sign = props.signed ? ["down", "", "up"][signOf(props.amount) + 1] : "";
  return <span class={`number ${sign}`} title={`${props.amount} USD`}>{usd(props.shown ?? props.amount)}</span>;
}

/** A quantity, without the decimals that nobody reads. */
export const Size = ({ value }: { value: string }) => <span class="number" title={value}>{short(value, SIZE_DECIMALS)}</span>;

export const Decimal = (props: { value: string | number }) => <span class="number">{decimal(props.value)}</span>;

/** A user, with the way to the profile; "you" for the reader. A private one has no name. Where it matters who it is, `byId` shows the id: others may choose the same name. */
export function User(props: { id?: string | null | undefined; byId?: boolean }) {
  if (!props.id) return <span class="user soft">private</span>;
  return <a class="user" title={props.id} href={`/community?user=${encodeURIComponent(props.id)}`} onClick={follow}>{props.byId ? props.id : <UserName id={props.id} />}</a>;
}

/** The name of a user who is known by an id: that of the public profile, and the id without one; "you" for the reader. */
export const UserName = ({ id }: { id: string }) => <>{id === user.value ? "you" : nameOf(id)}</>;
