// Opinions: what somebody felt about a play, a book, a meal, and the verdict that follows.
import type { Random } from "../../../runtime/random.ts";
import { chance } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { agree } from "../inflect.ts";
import { endings, type Opinion, opinions, type Side, sides } from "../lexicon/opinions.ts";
import { type Adjective, english, type Noun, noun, type Person, russians } from "../lexicon.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

export interface Review {
  work: Noun;
  opinion: Opinion;
  side: Side;
  verdict: Adjective;
  gender: "m" | "f";
}

/** A feeling about a work and its verdict; of the pairs that texts may bring together, or, `unseen`, of the others. */
export function review(random: Random, unseen = false): Review {
  for (;;) {
    const group = random.pick(sides);
    const work = noun(random.pick(group.works));
    const opinion = random.pick(opinions);
    if (heldOut(opinion.id, work.id) !== unseen) continue;
    const verdicts = work.adjectives.filter((adjective) => adjective.groups.includes(opinion.good ? "good" : "bad"));
    if (verdicts.length === 0) continue;
    return {
      work,
      opinion,
      side: random.pick(group.sides),
      verdict: random.pick(verdicts),
      gender: chance(random, 0.5) ? "m" : "f",
    };
  }
}

/** «Я в восторге от декораций и игры актёров» */
export function ruFeeling({ opinion, side, gender }: Review): string {
  const [nom, gen, acc, ins] = side;
  const forms: Record<string, string> = { nom, gen, acc, ins, Nom: ru.cap(nom) };
  return opinion.ru
    .replace(/\{(\w+)\}/, (_, form: string) => forms[form]!)
    .replace(/\{([^|{}]+)\|([^{}]+)\}/g, gender === "m" ? "$1" : "$2");
}

/** «Я в восторге от декораций и игры актёров, спектакль был» — and then the verdict in the instrumental. */
export const ruReview = (told: Review) => `${ruFeeling(told)}, ${told.work.one.nom} ${ru.did(told.work, "быть")}`;
export const ruVerdict = (work: Noun, adjective: Adjective) => agree(adjective.forms, work, "ins");

export const enFeeling = ({ opinion, side }: Review) => opinion.en.replace("{side}", side[4]);
export const enReview = (told: Review) => `${enFeeling(told)}, and the ${told.work.en} was`;

const ruWent: Record<string, string> = {
  спектакль: "в театр на спектакль",
  опера: "в театр на оперу",
  балет: "в театр на балет",
  концерт: "на концерт",
  выставка: "на выставку",
  экскурсия: "на экскурсию",
  фильм: "в кино на фильм",
};
const enWent: Record<string, string> = {
  спектакль: "to the theatre to see a play",
  опера: "to the theatre to hear an opera",
  балет: "to the theatre to see a ballet",
  концерт: "to a concert",
  выставка: "to an exhibition",
  экскурсия: "on an excursion",
  фильм: "to the cinema to see a film",
};

export const reviews: Kind = {
  name: "reviews",
  weight: 5,
  ru(random) {
    const told = review(random);
    const text: string[] = [];
    const friend: Person = random.pick(russians);
    const when = random.pick(["Вчера", "В субботу", "В воскресенье", "На прошлой неделе", "Вечером"]);
    const went = ruWent[told.work.id];
    const { gender, work, opinion } = told;
    if (went && chance(random, 0.7)) {
      text.push(
        `${when} я ${gender === "m" ? "ходил" : "ходила"} ${went}${chance(random, 0.5) ? ` вместе ${ru.withPreposition("с", friend.one.ins)}` : ""}.`,
      );
    }
    text.push(`${ruReview(told)} ${ruVerdict(work, told.verdict)}.`);
    const others = opinions.filter((other) => other.good === opinion.good && other !== opinion && !heldOut(other.id, work.id));
    if (others.length && chance(random, 0.4)) {
      const group = sides.find(({ works }) => works.includes(work.id))!;
      const rest = group.sides.filter((side) => side !== told.side);
      text.push(`${ruFeeling({ ...told, opinion: random.pick(others), side: random.pick(rest) })}.`);
    }
    const verdicts = work.adjectives.filter((a) => a !== told.verdict && a.groups.includes(opinion.good ? "good" : "bad"));
    if (verdicts.length && chance(random, 0.5)) {
      const other = random.pick(verdicts);
      text.push(
        random.pick([
          `${friend.one.nom} ${ru.did(friend, "сказать")}, что ${work.one.nom} ${ru.did(work, "быть")} ${ruVerdict(work, other)}.`,
          `Это ${agree(other.forms, work, "nom")} ${work.one.nom}.`,
          `${ru.by(work, "Какой был", "Какая была", "Какое было")} ${work.one.nom}? ${ru.cap(agree(other.forms, work, "nom"))}.`,
        ]),
      );
    }
    if (chance(random, 0.6)) text.push(random.pick(endings[opinion.good ? "good" : "bad"])[0]);
    return text.join(" ");
  },
  en(random) {
    const told = review(random);
    const text: string[] = [];
    const friend: Person = random.pick(english);
    const { work, opinion } = told;
    const went = enWent[work.id];
    if (went && chance(random, 0.7)) {
      const when = random.pick(["Yesterday", "On Saturday", "On Sunday", "Last week", "In the evening"]);
      text.push(`${when} I went ${went}${chance(random, 0.5) ? ` with ${friend.id}` : ""}.`);
    }
    text.push(`${enReview(told)} ${told.verdict.en}.`);
    const others = opinions.filter((other) => other.good === opinion.good && other !== opinion && !heldOut(other.id, work.id));
    if (others.length && chance(random, 0.4)) {
      const group = sides.find(({ works }) => works.includes(work.id))!;
      const rest = group.sides.filter((side) => side !== told.side);
      text.push(`${enFeeling({ ...told, opinion: random.pick(others), side: random.pick(rest) })}.`);
    }
    const verdicts = work.adjectives.filter((a) => a !== told.verdict && a.groups.includes(opinion.good ? "good" : "bad"));
    if (verdicts.length && chance(random, 0.5)) {
      const other = random.pick(verdicts);
      text.push(
        random.pick([
          `${friend.id} said that the ${work.en} was ${other.en}.`,
          `It was ${en.article(other.en)} ${other.en} ${work.en}.`,
          `How was the ${work.en}? ${en.cap(other.en)}.`,
        ]),
      );
    }
    if (chance(random, 0.6)) text.push(random.pick(endings[opinion.good ? "good" : "bad"])[1]);
    return text.join(" ");
  },
};
