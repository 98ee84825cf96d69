// What a place looks like: things with their colours and sizes, where they are, how many there are.
import type { Random } from "../../../runtime/random.ts";
import { adjectiveFor, between, chance, numberFor, some } from "../draw.ts";
import * as en from "../english.ts";
import { agree } from "../inflect.ts";
import { type Adjective, type Furnished, homes, type Noun, tagged } from "../lexicon.ts";
import { adjectiveAfterNumber, afterNumber, numberWord, numeral } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

interface Item {
  thing: Noun;
  adjective: Adjective | undefined;
  spot: Noun;
  count: number;
}

interface Scene {
  room: Noun;
  roomAdjective: Adjective | undefined;
  items: Item[];
}

function scene(random: Random): Scene {
  const { room, spots }: Furnished = random.pick(homes);
  const things = some(
    random,
    tagged("thing").filter((noun) => !noun.mass && noun.gender !== "p" && !noun.enPlural),
    between(random, 2, 5),
    spots,
  );
  const items = things.map((thing) => ({
    thing,
    adjective: adjectiveFor(random, thing),
    spot: random.pick(spots),
    count: chance(random, 0.35) ? numberFor(random, thing, 2, 9) : 1,
  }));
  return { room, roomAdjective: adjectiveFor(random, room), items };
}

const ruThing = ({ thing, adjective, count }: Item) =>
  count === 1
    ? ru.phrase(thing, adjective)
    : `${numeral(count, thing)} ${adjective ? `${adjectiveAfterNumber(count, adjective.forms, thing)} ` : ""}${afterNumber(count, thing)}`;
const enThing = ({ thing, adjective, count }: Item) =>
  count === 1 ? en.a(thing, adjective) : `${numberWord(count)} ${adjective ? `${adjective.en} ` : ""}${thing.enMany}`;

/** «лежит чашка», «лежат две чашки», «лежит пять чашек». */
const ruRests = ({ thing, count }: Item) => ru.rests(count > 1 && count < 5 ? { ...thing, gender: "p" } : thing);

/** What can be asked of a scene, with its answer. */
function ruFact(random: Random, { room, items }: Scene): string[] {
  const text: string[] = [];
  const single = items.find((item) => item.count === 1 && item.adjective?.groups.includes("colour"));
  const many = items.find((item) => item.count > 1);
  if (single && chance(random, 0.6)) {
    const colour = agree(single.adjective!.forms, single.thing, "nom");
    text.push(
      random.pick([
        `Какого цвета ${single.thing.one.nom}? ${ru.cap(single.adjective!.forms.m.gen)}.`,
        `${ru.cap(single.thing.one.nom)} ${colour}.`,
        `Я вижу ${ru.phrase(single.thing, single.adjective, "acc")}.`,
        `Мне нравится ${ru.phrase(single.thing, single.adjective)}.`,
      ]),
    );
  }
  if (many && chance(random, 0.5)) {
    text.push(`Сколько ${many.thing.many.gen} ${ru.at(room)}? ${ru.cap(numeral(many.count, many.thing))}.`);
  }
  return text;
}

export const description: Kind = {
  name: "description",
  weight: 3,
  ru(random) {
    const told = scene(random);
    const { room, roomAdjective, items } = told;
    const text = [
      random.pick([
        `Это ${ru.phrase(room, roomAdjective)}.`,
        roomAdjective ? `У нас ${ru.phrase(room, roomAdjective)}.` : `Это ${room.one.nom}.`,
        `Посмотрим, что есть ${ru.at(room)}.`,
      ]),
    ];
    items.forEach((item, i) => {
      const where = i > 0 && items[i - 1]!.spot === item.spot ? "Там же" : ru.cap(ru.onSpot(item.spot));
      text.push(chance(random, 0.7) ? `${where} ${ruRests(item)} ${ruThing(item)}.` : `${where} ${ruThing(item)}.`);
    });
    text.push(...ruFact(random, told));
    if (items.length > 3 && chance(random, 0.3)) {
      const [a, b] = items as [Item, Item];
      if (a.spot !== b.spot && a.count === 1)
        text.push(`Где ${ru.rests(a.thing)} ${a.thing.one.nom}? ${ru.cap(ru.onSpot(a.spot))}.`);
    }
    return text.join(" ");
  },
  en(random) {
    const { room, roomAdjective, items } = scene(random);
    const text = [
      random.pick([
        `This is ${en.a(room, roomAdjective)}.`,
        `We have ${en.a(room, roomAdjective)}.`,
        `Let us see what there is ${en.at(room)}.`,
      ]),
    ];
    for (const item of items) {
      const be = item.count === 1 ? "is" : "are";
      text.push(
        random.pick([
          `There ${be} ${enThing(item)} ${en.onSpot(item.spot)}.`,
          item.count === 1
            ? `${en.cap(enThing(item))} is ${en.onSpot(item.spot)}.`
            : `${en.cap(en.onSpot(item.spot))} there are ${enThing(item)}.`,
        ]),
      );
    }
    const single = items.find((item) => item.count === 1 && item.adjective?.groups.includes("colour"));
    if (single && chance(random, 0.6)) {
      text.push(
        random.pick([
          `What colour is the ${single.thing.en}? ${en.cap(single.adjective!.en)}.`,
          `The ${single.thing.en} is ${single.adjective!.en}.`,
          `I like the ${en.bare(single.thing, single.adjective)}.`,
        ]),
      );
    }
    const many = items.find((item) => item.count > 1);
    if (many && chance(random, 0.5)) text.push(`How many ${many.thing.enMany} are there? ${en.cap(numberWord(many.count))}.`);
    return text.join(" ");
  },
};
