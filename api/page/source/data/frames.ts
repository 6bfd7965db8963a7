// Drawing: soon after a change, and at most ten times a second, however many changes arrive.

const LEAST_MS = 100; // a table that changes faster cannot be read, and drawing it would take frames from scrolling

const waiting = new Set<() => void>();
let drawnAt = -Infinity;

function run(): void {
  drawnAt = performance.now();
  const now = [...waiting];
  waiting.clear();
  for (const task of now) task();
}

/** Call a task before the next frame, or a while later when tasks ran just now. A task that waits is not called twice. */
export function beforeFrame(task: () => void): void {
  if (waiting.size === 0) {
    const wait = drawnAt + LEAST_MS - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(run), wait);
    else requestAnimationFrame(run);
  }
  waiting.add(task);
}
