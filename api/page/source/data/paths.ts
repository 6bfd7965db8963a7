// Paths of the API that name something by its id. An id may come from a link that somebody else has made.

/** Return a path from a template. Each value becomes one segment of it, whatever the value contains. */
export const pathOf = (parts: TemplateStringsArray, ...ids: string[]): string => parts.reduce((path, part, at) => path + segmentOf(ids[at - 1] ?? "") + part);

/** Browsers read `%2E%2E` as a step upwards, too. Escaped twice, it is an id that nothing has. */
const segmentOf = (id: string): string => encodeURIComponent(/^\.\.?$/.test(id) ? id.replaceAll(".", "%2E") : id);

const LETTER = /^[\w.-]{1,64}:[\w.-]{1,64}:\d{1,6}:\d{1,18}$/;

/** Return whether a text is the id of a dead letter: `group:topic:partition:offset`. */
export const isLetterId = (text: string): boolean => LETTER.test(text);
