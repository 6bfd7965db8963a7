// Work that is done at most once in each frame of the screen, however often it is asked for.

const waiting = new Set<() => void>();

function run(): void {
  const now = [...waiting];
  waiting.clear();
  for (const task of now) task();
}

/** Call a task before the next frame. A task that waits already is not called twice. */
export function beforeFrame(task: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(run);
  waiting.add(task);
}
