// Whether others see the user's name.

import { own } from "../../data/own.ts";
import { useQuery } from "../../data/query.ts";
import { Form, textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";

const PATH = "/v1/account/privacy";

export function Privacy() {
  const { data, error, again } = useQuery<{ private: boolean }>(PATH, {}, true);
  const change = async () => {
    await own("PUT", PATH, { private: !data?.private });
    again();
  };
  return (
    <Panel title="Privacy">
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {!data && error === null && <Empty loaded={false}>{null}</Empty>}
      <p role="status">
        {data && <>You are <strong>{data.private ? "private" : "public"}</strong>. {data.private
          ? "Boards and feeds count you without your name, and nobody finds your profile."
          : "Boards, feeds and your profile show your name to everyone."}</>}
      </p>
      {data && <Form send={change} button={data.private ? "Become public" : "Become private"} kind="quiet" />}
    </Panel>
  );
}
