// The live page. It reads the feeds and queries that every client can read, and only shows them.

import { Feeds } from "./feeds.js";

const TAPE_ROWS = 60;
const GAINS_ROWS = 40;
const BOARD_ROWS = 50;
const STATS_EVERY_MS = 2000;

const $ = (id) => document.getElementById(id);

// --- text -----------------------------------------------------------------------------------------------------------

const grouped = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, " ");

/** A decimal string with two decimals, cut and not rounded: exact text, never a float. */
function money(text) {
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [, "", text];
  return `${sign === "-" ? "−" : ""}${grouped(whole)}.${part.padEnd(2, "0").slice(0, 2)}`;
}

const plain = (text) => {
  const [whole, part] = String(text).split(".");
  return grouped(whole) + (part ? `.${part}` : "");
};

const when = (time) => time.replace("T", " ").slice(0, 16);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(...cells) {
  const made = element("tr");
  for (const [className, text, title] of cells) {
    const cell = element("td", className, text);
    if (title) cell.title = title;
    made.append(cell);
  }
  return made;
}

// --- connection -----------------------------------------------------------------------------------------------------

const STATES = {
  live: ["live", "live"],
  connecting: ["connecting", "connecting"],
  stalled: ["lost", "the broker is away"],
  lost: ["lost", "connection lost, trying again"],
};

function showConnection() {
  const [state, text] = STATES[feeds.state()];
  const shown = $("connection");
  if (shown.dataset.state !== state || shown.textContent !== text) {
    shown.dataset.state = state;
    shown.textContent = text;
  }
}

const feeds = new Feeds(showConnection);

// --- board ----------------------------------------------------------------------------------------------------------

const USD_BOARDS = new Set(["volume", "pnl"]);
const SCORE_TITLES = { xp: "XP", volume: "Volume, USD", pnl: "Profit and loss, USD", trades: "Trades" };
const standing = new Map();

function isoWeek(date) {
  const thursday = new Date(date);
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = Math.ceil(((thursday - Date.UTC(year, 0, 1)) / 86400000 + 1) / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function periodText() {
  const kind = $("period").value;
  const day = $("date").value;
  if (kind === "all" || !day) return "all";
  const date = new Date(`${day}T00:00:00Z`);
  const names = {
    day, week: isoWeek(date), month: day.slice(0, 7),
    season: `${day.slice(0, 4)}-Q${Math.floor(date.getUTCMonth() / 3) + 1}`,
  };
  return `${kind}:${names[kind]}`;
}

/** A private user has no id on a board; the rank stands for it. */
const nameOf = (one) => one.user_id ?? `#${one.rank}`;

function showBoard(changed) {
  const board = $("board").value;
  const inUsd = USD_BOARDS.has(board);
  const rows = [...standing.values()].sort((a, b) => a.rank - b.rank).map((one) => {
    const score = inUsd ? money(one.score) : plain(one.score);
    const sign = board === "pnl" ? (one.score.startsWith("-") ? " down" : " up") : "";
    const made = row(["rank", one.rank], ["user", one.user_id ?? "private", one.user_id ?? ""], [`number${sign}`, score, String(one.score)]);
    if (one.rank <= 3) made.classList.add("first");
    if (changed.has(nameOf(one))) made.classList.add("new");
    return made;
  });
  $("board-rows").replaceChildren(...rows);
  $("board-empty").hidden = rows.length > 0;
}

function followBoard() {
  const board = $("board").value;
  $("date-label").hidden = $("period").value === "all";
  $("market-label").hidden = !USD_BOARDS.has(board);
  $("score-title").textContent = SCORE_TITLES[board];
  const asked = { board, period: periodText(), top: BOARD_ROWS };
  if (USD_BOARDS.has(board) && $("market").value) asked.market = $("market").value;
  standing.clear();
  showBoard(new Set());
  feeds.follow("board", "boards", asked, {
    fresh: () => standing.clear(),
    rows: (rows, { snapshot, removed }) => {
      for (const user of removed) standing.delete(user);
      for (const one of rows) standing.set(nameOf(one), one);
      showBoard(new Set(snapshot ? [] : rows.map(nameOf)));
    },
  });
}

// --- tape, gains, fees ----------------------------------------------------------------------------------------------

/** Puts newest first into a list that keeps `most`; `make` builds an element or returns nothing. */
function ticker(list, empty, most, make) {
  return {
    fresh: () => { list.replaceChildren(); empty.hidden = false; },
    rows: (rows, { snapshot }) => {
      for (const made of rows.slice(-most).map(make).filter(Boolean)) {
        if (!snapshot) made.classList.add("new");
        list.prepend(made);
      }
      while (list.children.length > most) list.lastChild.remove();
      empty.hidden = list.children.length > 0;
    },
  };
}

function fillRow(one) {
  const [arrow, colour] = one.side === "buy" ? ["▲", "up"] : ["▼", "down"];
  const made = row(
    ["soft", "", one.time],
    [colour, `${arrow} `, one.side],
    ["number", plain(one.price)],
    ["number", plain(one.size)],
  );
  const [day, minute] = when(one.time).split(" ");
  made.children[0].append(element("span", "date", `${day} `), minute);
  made.children[1].append(element("span", "word", `${one.side} `), one.market); // a phone has room for the arrow alone
  return made;
}

function gainItem(one) {
  const told = {
    XPGained: () => `+${plain(one.amount)} XP`,
    LevelUp: () => `Level ${one.new}`,
    AchievementUnlocked: () => `★ ${one.achievement.replaceAll("_", " ")}`,
  }[one.type];
  if (!told) return null;
  const made = element("li");
  made.title = one.time;
  made.append(element("span", "user", one.user_id ?? "private"), element("span", "what", told()));
  if (one.type === "XPGained") made.lastChild.classList.add("up");
  return made;
}

const feeTotals = new Map();

function showFees() {
  const shares = [...feeTotals.values()].filter((fee) => fee.beneficiary !== "total");
  const total = [...feeTotals.values()].find((fee) => fee.beneficiary === "total");
  $("fees-total").textContent = total ? money(total.amount) : "0.00";
  $("fees").replaceChildren(...shares.map((fee) => {
    const made = element("li");
    const amount = element("span", "number", money(fee.amount));
    amount.title = `${fee.amount} USD`;
    made.append(element("span", "", fee.beneficiary.replaceAll("_", " ")), amount);
    return made;
  }));
}

// --- figures --------------------------------------------------------------------------------------------------------

async function showStats() {
  try {
    const answer = await fetch("/v1/stats");
    if (!answer.ok) return;
    const stats = await answer.json();
    $("stat-events").textContent = plain(stats.topics.reduce((sum, topic) => sum + topic.events, 0));
    $("stat-users").textContent = plain(stats.users);
    $("stat-workers").textContent = stats.workers.alive;
    $("stat-lag").textContent = plain(stats.lag);
    $("stat-latest").textContent = stats.latest ? when(stats.latest) : "–";
    if (!$("date").value) $("date").value = (stats.latest ?? new Date().toISOString()).slice(0, 10);
  } catch {
    // the feeds say that the connection is lost
  }
}

function followAll() {
  followBoard();
  feeds.follow("tape", "trades", { last: TAPE_ROWS }, ticker($("tape-rows"), $("tape-empty"), TAPE_ROWS, fillRow));
  feeds.follow("gains", "xp", { last: GAINS_ROWS }, ticker($("gains"), $("gains-empty"), GAINS_ROWS, gainItem));
  feeds.follow("fees", "fees", { source: "trading", asset: "USD" }, {
    fresh: () => feeTotals.clear(),
    rows: (rows) => { for (const fee of rows) feeTotals.set(fee.beneficiary, fee); showFees(); },
  });
}

async function start() {
  await showStats();
  const settings = await (await fetch("/page-settings")).json();
  $("market").append(...settings.markets.map((market) => new Option(market, market)));
  $("board-form").addEventListener("change", followBoard);
  $("board-form").addEventListener("submit", (event) => event.preventDefault());
  followAll();
  document.addEventListener("visibilitychange", () => (document.hidden ? feeds.close() : followAll()));
  setInterval(() => { if (!document.hidden) showStats(); }, STATS_EVERY_MS);
  setInterval(showConnection, 1000);
}

start();
