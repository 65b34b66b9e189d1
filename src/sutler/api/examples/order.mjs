/*
 * Places an order at the panel and follows it. Node.js 18 or later, nothing to install.
 *
 *     SUTLER_API_KEY=... node order.mjs SERVICE LINK QUANTITY OWN_NUMBER
 *
 * OWN_NUMBER is your own number for the order. Whoever repeats it with the same order gets the first order again,
 * so that a repeat after a time-out never buys twice.
 */

import { setTimeout as sleep } from "node:timers/promises";

const API_URL = process.env.SUTLER_API_URL ?? "https://panel.example/api/v2";
const API_KEY = process.env.SUTLER_API_KEY ?? "your API key";
const LOOK_EVERY_SECONDS = Number(process.env.LOOK_EVERY_SECONDS ?? 5);
const LOOKS = 120;
const TRIES = 4;
const FINAL = new Set(["Completed", "Partial", "Canceled"]);

/** The panel said no; the message is its own. Nothing was placed and nothing was charged. */
class PanelError extends Error {}

/** Asks the panel and returns its answer. Throws PanelError if it says no, another error if it is silent. */
async function ask(action, fields = {}) {
  const body = new URLSearchParams({ key: API_KEY, action, ...fields });
  const response = await fetch(API_URL, { method: "POST", body, signal: AbortSignal.timeout(30_000) });
  if (response.status === 429 || response.status === 503) {
    // busy: the answer names the seconds to wait
    await sleep(1000 * Number(response.headers.get("Retry-After") ?? 1));
  }
  if (!response.ok) {
    throw new Error(`HTTP ${response.status}`);
  }
  const answer = await response.json();
  if (answer.error !== undefined) {
    throw new PanelError(answer.error);
  }
  return answer;
}

/** Asks again after a time-out or an overload. Only for questions that are safe to repeat. */
async function askUntilAnswered(action, fields) {
  for (let triesLeft = TRIES - 1; ; triesLeft--) {
    try {
      return await ask(action, fields);
    } catch (error) {
      if (error instanceof PanelError || triesLeft === 0) {
        throw error;
      }
      console.error(`no answer (${error.message}), asking again`);
      await sleep(1000);
    }
  }
}

/** Looks at the order until it is finished. */
async function follow(order) {
  for (let look = 0; look < LOOKS; look++) {
    const { status, remains, charge, currency } = await askUntilAnswered("status", { order });
    console.log(`Order ${order}: ${status}, ${remains} to go, ${charge} ${currency}`);
    if (FINAL.has(status)) {
      return;
    }
    await sleep(1000 * LOOK_EVERY_SECONDS);
  }
  console.log(`Order ${order} takes longer; look again later`);
}

/** Lists services, places the order, follows it, shows the balance. */
async function main([service, link, quantity, ownNumber]) {
  for (const each of (await askUntilAnswered("services")).slice(0, 5)) {
    console.log(`Service ${each.service}: ${each.name}, ${each.type}, ${each.rate} per 1000`);
  }
  if (ownNumber === undefined) {
    throw new Error("usage: order.mjs SERVICE LINK QUANTITY OWN_NUMBER");
  }
  const { order } = await askUntilAnswered("add", { service, link, quantity, request_id: ownNumber });
  console.log(`Placed order ${order}`);
  await follow(order);
  const { balance, currency } = await askUntilAnswered("balance");
  console.log(`Balance: ${balance} ${currency}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof PanelError ? `The panel says: ${error.message}` : error.message);
  process.exitCode = 1;
}
