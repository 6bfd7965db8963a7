// A secret that is shown once, and can be copied.

import { useState } from "preact/hooks";

export function Secret({ name, text }: { name: string; text: string }) {
  const [said, setSaid] = useState("");
  const copy = () => navigator.clipboard.writeText(text).then(() => setSaid("Copied."), () => setSaid("The browser does not copy here: select the text."));
  return (
    <div class="secret">
      <p>The key <strong>{name}</strong>. Copy it now: it is never shown again.</p>
      <code class="digest">{text}</code>
      <p>{navigator.clipboard && <button type="button" class="quiet" onClick={() => void copy()}>Copy</button>} {said}</p>
    </div>
  );
}
