// The little world keeps its promises: the same for a seed, without repeats, true, agreeing, and silent about the held-out pairs.
import { expect, test } from "vitest";
import { Random } from "../../runtime/random.ts";
import { worldConversations } from "./dialogues.ts";
import { worldDocuments } from "./documents.ts";
import { heldOut } from "./held-out.ts";
import { type Case, cases, type Gender } from "./inflect.ts";
import { kinds } from "./kinds/index.ts";
import { adjectives, english, homes, nouns, type Person, russians } from "./lexicon.ts";
import { numeral } from "./numerals.ts";
import { probes, skills } from "./probes.ts";
import { anyStory, type Event, questions, type Story } from "./simulation.ts";

const sample = [...worldDocuments({ seed: 1, limit: 8_000 })];
/** What is said in conversations, as texts; of those about grammar only the answers, for people ask whether «пять чашка» is right. */
const spoken = Array.from(worldConversations({ seed: 1, limit: 6_000 }), ({ messages, language, topics }) => ({
  text: messages
    .filter(({ role }) => role === "assistant" || !topics.includes("grammar"))
    .map(({ content }) => content)
    .join("\n"),
  language,
  kind: "dialogue",
}));
const everything = [...sample, ...spoken];
const plain = (text: string) => text.replaceAll("ё", "е").replaceAll("Ё", "Е");

test("the same seed gives the same texts, another seed others", () => {
  expect([...worldDocuments({ seed: 1, limit: 500 })]).toEqual(sample.slice(0, 500));
  const other = new Set([...worldDocuments({ seed: 2, limit: 500 })].map((document) => document.text));
  expect(sample.slice(0, 500).filter((document) => other.has(document.text)).length).toBeLessThan(5);
});

test("one language alone gives the texts it has in both", () => {
  expect([...worldDocuments({ seed: 1, languages: ["ru"], limit: 100 })]).toEqual(
    sample.filter((document) => document.language === "ru").slice(0, 100),
  );
});

test("no text comes twice", () => {
  expect(new Set(sample.map((document) => document.text)).size).toBe(sample.length);
});

// 20 MB and more are checked by this when asked for: WORLD_MEGABYTES=25 npx vitest run src/data/world
test.runIf(process.env.WORLD_MEGABYTES)(
  "no text comes twice in the megabytes asked for",
  () => {
    const seen = new Set<string>();
    let bytes = 0;
    for (const { text } of worldDocuments({ seed: 3 })) {
      if (bytes > Number(process.env.WORLD_MEGABYTES) * 1e6) break;
      expect(seen.has(text)).toBe(false);
      seen.add(text);
      bytes += Buffer.byteLength(text);
    }
    expect(bytes).toBeGreaterThan(Number(process.env.WORLD_MEGABYTES) * 1e6);
  },
  600_000,
);

test("texts are whole: every kind in both languages, capital letters, no holes", () => {
  expect(new Set(sample.map((document) => `${document.kind} ${document.language}`)).size).toBe(kinds.length * 2);
  for (const { text, kind } of everything) {
    expect(text).not.toMatch(/undefined|null|NaN|\[object| {2}| [.,!?]|\.\.|,\.|[{}|]/);
    if (!["translation", "arithmetic", "dialogue", "talk"].includes(kind)) expect(text).toMatch(/^["«]?[A-ZА-ЯЁ]/);
    if (kind !== "translation") expect(text).toMatch(/[.!?]["»]?$/);
    for (const next of text.matchAll(/[а-яa-z][.?!] (.)/g)) expect(next[1], text).toMatch(/[A-ZА-ЯЁ0-9"«–—]/);
  }
});

/** Every reading of a word form: (word, case, number, gender, animate). */
interface Reading {
  id: string;
  form: Case;
  number: "one" | "many";
}
function index<T>(add: (put: (word: string, reading: T) => void) => void): Map<string, T[]> {
  const map = new Map<string, T[]>();
  add((word, reading) => {
    const key = plain(word.toLowerCase());
    map.set(key, [...(map.get(key) ?? []), reading]);
  });
  return map;
}
type NounReading = Reading & { gender: Gender; animate: boolean };
const nounForms = index<NounReading>((put) => {
  for (const { id, gender, animate, one, many } of nouns) {
    for (const form of cases) {
      put(one[form], { id, form, number: "one", gender, animate });
      put(many[form], { id, form, number: "many", gender, animate });
    }
  }
});
const adjectiveForms = index<Reading & { gender: Gender }>((put) => {
  for (const { id, forms } of adjectives) {
    for (const gender of ["m", "f", "n", "p"] as const) {
      for (const form of cases) put(forms[gender][form], { id, form, number: gender === "p" ? "many" : "one", gender });
    }
  }
});

/** Whether an adjective and a noun beside it can be one phrase in some case; after two, three and four the noun stands alone. */
function agrees(adjective: Reading & { gender: Gender }, noun: NounReading): boolean {
  const gender = noun.number === "many" ? "p" : noun.gender;
  if (adjective.gender === "p" && noun.form === "gen" && noun.number === "one")
    return adjective.form === "gen" || (adjective.form === "nom" && noun.gender === "f");
  if (adjective.gender !== gender) return false;
  if (noun.form === "acc" && (gender === "m" || gender === "p")) return adjective.form === (noun.animate ? "gen" : "acc");
  return adjective.form === noun.form;
}

test("in the texts, every adjective agrees with the noun after it, and the pair is not held out", () => {
  let pairs = 0;
  for (const { text, language } of everything) {
    if (language !== "ru") continue;
    for (const [, first, second] of text.matchAll(/(?<![а-яё])([А-Яа-яё]+)(?= ([а-яё]+))/g)) {
      const left = adjectiveForms.get(plain(first!.toLowerCase()));
      const right = nounForms.get(plain(second!.toLowerCase()));
      // Words that are also nouns or verbs (детская; уже) are not judged here.
      if (!left || !right || nounForms.has(plain(first!.toLowerCase()))) continue;
      const readings = left.flatMap((adjective) =>
        right.filter((noun) => agrees(adjective, noun)).map((noun) => [adjective, noun] as const),
      );
      expect(readings.length, `${first} ${second}: ${text}`).toBeGreaterThan(0);
      expect(
        readings.some(([adjective, noun]) => !heldOut(adjective.id, noun.id)),
        `${first} ${second} is held out: ${text}`,
      ).toBe(true);
      pairs++;
    }
  }
  expect(pairs).toBeGreaterThan(1000);
});

test("in the English texts, no adjective stands before a noun that it is held out from", () => {
  const allowed = new Map<string, boolean>();
  const compounds = new Set(nouns.flatMap(({ en, enMany }) => [en, enMany]).filter((word) => word.includes(" ")));
  for (const { id, en, enMany } of nouns) {
    for (const adjective of adjectives) {
      // "In spring farmers sow": words that are also nouns are not judged here.
      if (nouns.some((noun) => noun.en === adjective.en)) continue;
      for (const form of [en, enMany]) {
        const phrase = `${adjective.en} ${form}`;
        // "teacher" is учитель and учительница: one of the two pairs is enough.
        allowed.set(phrase, (allowed.get(phrase) ?? false) || !heldOut(adjective.id, id));
      }
    }
  }
  let pairs = 0;
  for (const { text, language } of everything) {
    if (language !== "en") continue;
    for (const [, first, second] of text.matchAll(/(?<![Ll]ight )\b([A-Za-z]+)(?= ([a-z]+(?: [a-z]+)?))/g)) {
      // "shop assistant" before "shop".
      const noun = compounds.has(second!) ? second! : second!.split(" ")[0]!;
      const phrase = `${first!.toLowerCase()} ${noun}`;
      if (!allowed.has(phrase)) continue;
      expect(allowed.get(phrase), `${phrase}: ${text}`).toBe(true);
      pairs++;
    }
  }
  expect(pairs).toBeGreaterThan(1000);
});

test("in the texts, a numeral governs its noun, and the pair is not held out", () => {
  const numbers = new Map<string, number>();
  for (let n = 2; n <= 20; n++)
    for (const gender of ["m", "f"] as const) numbers.set(plain(numeral(n, { gender, animate: false })), n);
  let pairs = 0;
  for (const { text, language } of everything) {
    if (language !== "ru") continue;
    for (const [, first, second] of text.matchAll(/(?<![а-яё] |[а-яё])([А-Яа-яё]+)(?= ([а-яё]+))/g)) {
      const n = numbers.get(plain(first!.toLowerCase()));
      const readings = nounForms
        .get(plain(second!))
        ?.filter((noun) => noun.form === "gen" && noun.number === (n! < 5 ? "one" : "many"));
      if (n === undefined || !nounForms.has(plain(second!))) continue;
      expect(readings!.length, `${first} ${second}: ${text}`).toBeGreaterThan(0);
      expect(
        readings!.some((noun) => !heldOut(n, noun.id) || noun.id === "час"),
        `${first} ${second} is held out: ${text}`,
      ).toBe(true);
      pairs++;
    }
  }
  expect(pairs).toBeGreaterThan(300);
});

test("every sum, difference and comparison in figures is right and not held out", () => {
  let checked = 0;
  for (const { text } of everything) {
    for (const [, a, sign, b, c] of text.matchAll(/(\d+) ([+-]) (\d+) = (\d+)/g)) {
      const [x, y, z] = [Number(a), Number(b), Number(c)];
      expect(sign === "+" ? x + y : x - y).toBe(z);
      expect(sign === "+" ? heldOut(x, y) : heldOut(y, z)).toBe(false);
      checked++;
    }
    for (const [, a, b, c] of text.matchAll(/(?:Сумма чисел|The sum of) (\d+) (?:и|and) (\d+) (?:равна|is) (\d+)/g)) {
      expect(Number(a) + Number(b)).toBe(Number(c));
      expect(heldOut(Number(a), Number(b))).toBe(false);
      checked++;
    }
    for (const [, a, b] of text.matchAll(/(\d+) (?:больше, чем|is greater than) (\d+)/g)) {
      expect(Number(a)).toBeGreaterThan(Number(b));
      expect(heldOut(Number(a), Number(b))).toBe(false);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(600);
});

/** Where everybody and everything is after the events, worked out from their words alone. */
function replay(story: Story): Map<unknown, string> {
  const at = new Map<unknown, string>();
  for (const [who, room] of story.start.rooms) at.set(who, room.id);
  for (const [thing, where] of story.start.things)
    at.set(thing, "holder" in where ? `@${where.holder.id}` : `${where.room.id}/${where.spot.id}`);
  const act: { [K in Event["type"]]: (event: Extract<Event, { type: K }>) => void } = {
    go: (event) => {
      expect(at.get(event.who)).toBe(event.from.id);
      at.set(event.who, event.to.id);
    },
    take: (event) => {
      expect(at.get(event.who)).toBe(event.room.id);
      expect(at.get(event.thing)).toBe(`${event.room.id}/${event.spot.id}`);
      at.set(event.thing, `@${event.who.id}`);
    },
    put: (event) => {
      expect(at.get(event.who)).toBe(event.room.id);
      expect(at.get(event.thing)).toBe(`@${event.who.id}`);
      at.set(event.thing, `${event.room.id}/${event.spot.id}`);
    },
    give: (event) => {
      expect(at.get(event.who)).toBe(at.get(event.whom));
      expect(at.get(event.thing)).toBe(`@${event.who.id}`);
      at.set(event.thing, `@${event.whom.id}`);
    },
  };
  for (const event of story.events) (act[event.type] as (event: Event) => void)(event);
  return at;
}

test.each([
  ["Russian", russians],
  ["English", english],
] as [string, Person[]][])(
  "what is asked of a %s home has the answer that a replay gives, and no held-out pair meets",
  (_, names) => {
    for (let number = 0; number < 1500; number++) {
      const story = anyStory(new Random(5, "replay").fork(number), names);
      const at = replay(story);
      for (const question of questions(story)) {
        if (question.ask === "person") expect(question.answer.id).toBe(at.get(question.who));
        else if (question.ask === "alone")
          expect(story.people.filter((who) => at.get(who) === question.room.id)).toEqual([question.answer]);
        else {
          const where = question.answer;
          expect("holder" in where ? `@${where.holder.id}` : `${where.room.id}/${where.spot.id}`).toBe(at.get(question.thing));
          expect(question.room.id).toBe("holder" in where ? at.get(where.holder) : where.room.id);
        }
      }
      for (const who of story.people)
        for (const place of [...story.home.map(({ room }) => room), ...story.things])
          expect(heldOut(who.id, place.id)).toBe(false);
      for (const thing of story.things)
        for (const spot of story.home.flatMap(({ spots }) => spots)) expect(heldOut(thing.id, spot.id)).toBe(false);
    }
  },
);

test("a name and a room of a held-out pair never stand in one sentence about being there", () => {
  const forms = homes.map(({ room }) => ({ id: room.id, place: plain(room.place) }));
  for (const { text, kind, language } of everything) {
    if (language !== "ru" || !["home", "search", "dialogue"].includes(kind)) continue;
    for (const [, name, place] of plain(text).matchAll(
      /([А-Я][а-я]+) (?:был|была|сидел|сидела|теперь|всё ещё|все еще)[^.,]*? (?:в|на|во) ([а-я]+)[.,]/g,
    )) {
      const room = forms.find((candidate) => candidate.place === place);
      const who = russians.find((candidate) => plain(candidate.id) === name);
      if (room && who) expect(heldOut(who.id, room.id), text).toBe(false);
    }
  }
});

test.each(skills.flatMap((skill) => (["ru", "en"] as const).map((language) => [skill, language] as const)))(
  "%s probes in %s: enough of them, both kinds, and the unseen are in no text",
  (skill, language) => {
    const seen = probes({ skill, language, seed: 1, count: 300, seen: true });
    const unseen = probes({ skill, language, seed: 1, count: 300, seen: false });
    expect(seen.length).toBeGreaterThanOrEqual(200);
    expect(unseen.length).toBeGreaterThanOrEqual(200);
    expect(probes({ skill, language, seed: 1, count: 40 })).toEqual(probes({ skill, language, seed: 1, count: 60 }).slice(0, 40));
    for (const { prompt, right, wrong } of [...seen, ...unseen]) {
      // What is the beginning of something cannot be less likely than it.
      expect(right.startsWith(wrong) || wrong.startsWith(right), `${prompt}|${right}|${wrong}`).toBe(false);
      expect(right).toMatch(/^ \S/);
      expect(wrong).toMatch(/^ \S/);
      expect(prompt).not.toMatch(/\s$|undefined/);
    }
    const all = plain(
      sample
        .filter((document) => document.language === language)
        .map((document) => document.text)
        .join("\n"),
    ).replaceAll("–", "—");
    for (const { prompt, right } of unseen) {
      const whole = plain(prompt + right);
      const at = all.indexOf(whole);
      // «11 + 4 = 1» is not «11 + 4 = 15», nor «1 + 4 = 5» the end of «11 + 4 = 5».
      const inside = at >= 0 && !/[а-яa-z0-9]/i.test(all[at + whole.length] ?? "") && !/[а-яa-z0-9]/i.test(all[at - 1] ?? "");
      expect(inside, whole).toBe(false);
    }
  },
);

test("some seen probes do stand in the texts word for word", () => {
  const all = sample.map((document) => document.text).join("\n");
  for (const language of ["ru", "en"] as const) {
    for (const skill of ["world", "translation", "arithmetic", "lexical"] as const) {
      const hits = probes({ skill, language, seed: 1, count: 80, seen: true }).filter(({ prompt, right }) =>
        all.includes(prompt + right),
      );
      expect(hits.length, `${skill} ${language}`).toBeGreaterThan(5);
    }
  }
});

test("about 15 % of pairs are held out, in either order", () => {
  let held = 0;
  for (let a = 0; a < 200; a++) for (let b = 0; b < 200; b++) if (heldOut(a, `x${b}`)) held++;
  expect(held / 40_000).toBeGreaterThan(0.13);
  expect(held / 40_000).toBeLessThan(0.17);
  expect(heldOut("кухня", "Аня")).toBe(heldOut("Аня", "кухня"));
});
