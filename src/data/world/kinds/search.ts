// Somebody loses a thing, looks for it where it is not, and finds it; with what he or she felt.
import type { Random } from "../../../runtime/random.ts";
import { adjectiveFor, chance, one, some } from "../draw.ts";
import * as en from "../english.ts";
import { type Adjective, english, type Furnished, homes, type Noun, type Person, russians, tagged } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

interface Search {
  who: Person;
  helper: Person;
  thing: Noun;
  adjective: Adjective | undefined;
  /** Where it was looked for, in this order; it was in the last place. */
  places: { room: Noun; spot: Noun }[];
}

function search(random: Random, names: readonly Person[]): Search {
  const rooms = random.shuffle(homes).slice(0, random.pick([2, 3]));
  const places = rooms.map(({ room, spots }: Furnished) => ({ room, spot: random.pick(spots) }));
  const [who, helper] = some(
    random,
    names,
    2,
    places.map(({ room }) => room),
  ) as [Person, Person];
  const pool = tagged("thing").filter((noun) => !noun.mass && !noun.enPlural && noun.gender !== "p" && !noun.tags.has("hers"));
  const thing = one(random, pool, [who, helper, ...places.map(({ spot }) => spot)]);
  return { who, helper, thing, adjective: adjectiveFor(random, thing), places };
}

export const searching: Kind = {
  name: "search",
  weight: 1.2,
  ru(random) {
    const { who, helper, thing, adjective, places } = search(random, russians);
    const name = who.one.nom;
    const he = ru.pronoun(who);
    const it = ru.pronoun(thing);
    const did = (verb: string) => ru.did(who, verb);
    const last = places.at(-1)!;
    const whole = ru.phrase(thing, adjective, "acc");
    const text = [
      random.pick([
        `${name} ${did("потерять")} ${whole}.`,
        `${name} не ${ru.by(who, "мог", "могла")} найти ${whole}.`,
        `У ${who.one.gen} ${ru.by(thing, "пропал", "пропала", "пропало")} ${ru.phrase(thing, adjective)}.`,
      ]),
    ];
    if (chance(random, 0.6))
      text.push(
        random.pick([
          `${ru.cap(he.nom)} очень ${did("расстроиться")}.`,
          `${ru.cap(he.dat)} было грустно.`,
          `${ru.cap(he.nom)} ${ru.by(who, "был расстроен", "была расстроена")}.`,
        ]),
      );
    places.slice(0, -1).forEach(({ room, spot }, i) => {
      text.push(
        random.pick([
          `${i === 0 ? "Сначала" : "Потом"} ${he.nom} ${did("искать")} ${it.acc} ${ru.at(room)}, но ${ru.onSpot(spot)} ${it.gen} не было.`,
          `${i === 0 ? "Сначала" : "Затем"} ${he.nom} ${did("пойти")} ${ru.into(room)} и ${did("посмотреть")} ${spot.tags.has("container") ? ru.onSpot(spot) : `на ${spot.one.acc}`}. Там ${it.gen} не было.`,
        ]),
      );
    });
    const found = chance(random, 0.6);
    text.push(
      found
        ? `Наконец ${name} ${did("найти")} ${whole} ${ru.at(last.room)} ${ru.onSpot(last.spot)}.`
        : `Тут ${helper.one.nom} ${ru.did(helper, "сказать")}: «${ru.by(thing, "Твой", "Твоя", "Твоё")} ${thing.one.nom} ${ru.at(last.room)}, ${ru.onSpot(last.spot)}!»`,
    );
    text.push(
      random.pick([
        `${name} ${did("обрадоваться")}.`,
        `${name} ${ru.by(who, "был очень рад", "была очень рада")}.`,
        `Теперь ${name} ${ru.by(who, "счастлив", "счастлива")}.`,
      ]),
    );
    if (chance(random, 0.4))
      text.push(
        `Где ${ru.by(thing, "был", "была", "было")} ${thing.one.nom}? ${ru.cap(ru.at(last.room))} ${ru.onSpot(last.spot)}.`,
      );
    return text.join(" ");
  },
  en(random) {
    const { who, helper, thing, adjective, places } = search(random, english);
    const { he, his } = en.pronoun(who);
    const last = places.at(-1)!;
    const whole = `${his} ${en.bare(thing, adjective)}`;
    const text = [random.pick([`${who.id} lost ${whole}.`, `${who.id} could not find ${whole}.`])];
    if (chance(random, 0.6)) text.push(random.pick([`${en.cap(he)} was very upset.`, `${en.cap(he)} felt sad.`]));
    places.slice(0, -1).forEach(({ room, spot }, i) => {
      text.push(
        random.pick([
          `${i === 0 ? "First" : "Then"} ${he} looked for it ${en.at(room)}, but it was not ${en.onSpot(spot)}.`,
          `${i === 0 ? "First" : "Next"} ${he} went ${en.to(room)} and looked ${en.onSpot(spot)}. It was not there.`,
        ]),
      );
    });
    text.push(
      chance(random, 0.6)
        ? `At last ${who.id} found the ${thing.en} ${en.onSpot(last.spot)} ${en.at(last.room)}.`
        : `Then ${helper.id} said: «Your ${thing.en} is ${en.onSpot(last.spot)} ${en.at(last.room)}!»`,
    );
    text.push(random.pick([`${who.id} was very glad.`, `${en.cap(he)} was happy.`, `Now ${who.id} is happy.`]));
    if (chance(random, 0.4)) text.push(`Where was the ${thing.en}? ${en.cap(en.onSpot(last.spot))} ${en.at(last.room)}.`);
    return text.join(" ");
  },
};
