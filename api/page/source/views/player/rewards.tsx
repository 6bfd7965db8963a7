// Rewards for ranks of sealed boards: those to claim, and those that were claimed or have expired.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { command } from "../../data/own.ts";
import { Table } from "../../data/rows.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Rejections } from "../../parts/rejections.tsx";
import { Time } from "../../parts/texts.tsx";

export function Rewards() {
  const table = useFeed("rewards", {}, () => new Table(() => "own"));
  table.version.value;
  const rewards: Row[] = [...(table.byKey.get("own")?.rewards ?? [])].reverse();
  const now = new Date().toISOString();
  const isOpen = (reward: Row): boolean => reward.state === "granted" && reward.expires_at > now;
  const open = rewards.filter(isOpen);
  const past = rewards.filter((reward) => !isOpen(reward));
  return (
    <Panel title="Rewards">
      {open.length === 0 && <Empty loaded={table.loaded.value}>None to claim. The first ranks of a week and of a season earn shards once it is sealed.</Empty>}
      {open.length > 0 && (
        <ul class="scroll lines" tabIndex={0} aria-label="Rewards to claim">
          {open.map((reward) => (
            <li key={reward.reward_id}>
              <Name reward={reward} />
              <span class="soft">until <Time at={reward.expires_at} /></span>
              <Form send={async (_, key) => { await command("POST", "/v1/rewards/claims", { reward_id: reward.reward_id }, key); }} button="Claim" label={`Claim the reward of ${reward.period}`} />
            </li>
          ))}
        </ul>
      )}
      <Rejections feed="my-rewards" />
      {past.length > 0 && (
        <details>
          <summary>Claimed and expired <span class="number">{decimal(past.length)}</span></summary>
          <ul class="lines">{past.map((reward) => <li key={reward.reward_id}><Name reward={reward} /><span class="soft">{reward.state === "granted" ? "expired" : reward.state}</span></li>)}</ul>
        </details>
      )}
    </Panel>
  );
}

const Name = ({ reward }: { reward: Row }) => (
  <span>{decimal(reward.ss)} shards<br /><span class="soft">rank {decimal(reward.rank)} on {reward.board}, {reward.period.replace(":", " ")}</span></span>
);
