// How a conversation goes: its questions with their answers, subject after subject.
import type { Random } from "../../../runtime/random.ts";
import { chance, weighted } from "../draw.ts";
import type { Language } from "../kinds/kind.ts";
import { courteous, farewells, greetings, type Phrases } from "./courtesy.ts";
import { topics } from "./index.ts";
import type { Exchange } from "./topic.ts";

/** UTF-16 units after which no turn is added: what is left of 256 tokens would hardly hold it. */
const enough = 400;
const longestConversation = 4;

const pickExchange = (random: Random, { asks, answers }: Phrases): Exchange => ({
  ask: random.pick(asks),
  answer: random.pick(answers),
});

/** One or two subjects with one to three questions each, perhaps a greeting before and thanks after. */
export function converse(random: Random, language: Language, about = topics): { exchanges: Exchange[]; names: string[] } {
  const exchanges: Exchange[] = [];
  const names: string[] = [];
  const said = new Set<string>();
  let units = 0;
  const add = (exchange: Exchange) => {
    exchanges.push(exchange);
    units += exchange.ask.length + exchange.answer.length;
  };
  if (chance(random, 0.1)) add(pickExchange(random, greetings[language]));
  for (let subjects = chance(random, 0.2) ? 2 : 1; subjects > 0; subjects--) {
    const topic = weighted(random, about);
    const thread = topic[language](random, false);
    if (!thread) throw new Error(`the topic ${topic.name} has nothing that texts may hold`);
    names.push(topic.name);
    for (let turns = random.pick([1, 1, 2, 2, 3]); turns > 0; turns--) {
      if (exchanges.length > 0 && (units > enough || exchanges.length >= longestConversation)) break;
      const exchange = thread();
      if (!exchange || said.has(exchange.answer)) break;
      said.add(exchange.answer);
      add(courteous(random, exchange, language, exchanges.length === 0));
    }
  }
  if (exchanges.length < longestConversation && chance(random, 0.1)) add(pickExchange(random, random.pick(farewells[language])));
  return { exchanges, names };
}
