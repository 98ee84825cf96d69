// Russian inflection: the declension of nouns and adjectives, agreement, and the vowels of prepositions.

export const cases = ["nom", "gen", "dat", "acc", "ins", "pre"] as const;
export type Case = (typeof cases)[number];
/** Masculine, feminine, neuter; `p` is a noun that is only plural. */
export type Gender = "m" | "f" | "n" | "p";
/** One form for each case. */
export type Forms = Record<Case, string>;

/** What agreement needs to know of a noun or a name. */
export interface Agreeing {
  gender: Gender;
  animate: boolean;
}

export interface Declined extends Agreeing {
  one: Forms;
  many: Forms;
  /** The form after «в» and «на» that says where: «в лесу». Mostly the prepositional. */
  place: string;
}

export interface AdjectiveForms {
  m: Forms;
  f: Forms;
  n: Forms;
  p: Forms;
}

/** After these the spelling rules turn ы into и (and я, ю into а, у). */
const velarOrHushing = /[гкхжшчщ]$/;
const hushing = /[жшчщ]$/;

function forms(nom: string, gen: string, dat: string, acc: string, ins: string, pre: string): Forms {
  return { nom, gen, dat, acc, ins, pre };
}

/** A noun's class letters (see `lexicon/nouns.ts`), taken apart. */
function readClass(kind: string): Agreeing & { stressed: boolean; adjectival: boolean; undeclined: boolean } {
  const match = /^([mfnp])(a?)([*!0]?)$/.exec(kind);
  if (!match) throw new Error(`a noun class is one of m f n p, then "a", then one of * ! 0; got "${kind}"`);
  return {
    gender: match[1] as Gender,
    animate: match[2] === "a",
    stressed: match[3] === "*",
    adjectival: match[3] === "!",
    undeclined: match[3] === "0",
  };
}

/** The stem and the kind of its ending, which decides the declension: `hard` -/а/о, `soft` ь/я/е/й, `third` (feminine ь), `мя`. */
function readStem(lemma: string, gender: Gender): { stem: string; type: "hard" | "soft" | "third" | "мя" } {
  if (gender === "n" && lemma.endsWith("мя")) return { stem: lemma.slice(0, -1), type: "мя" };
  if (gender === "f" && lemma.endsWith("ь")) return { stem: lemma.slice(0, -1), type: "third" };
  if (/[ьйя]$/.test(lemma)) return { stem: lemma.slice(0, -1), type: "soft" };
  if (/е$/.test(lemma)) return { stem: lemma.slice(0, -1), type: /[жшчщц]е$/.test(lemma) ? "hard" : "soft" };
  if (/[ао]$/.test(lemma)) return { stem: lemma.slice(0, -1), type: "hard" };
  return { stem: lemma, type: "hard" };
}

function singular(lemma: string, gender: Gender, animate: boolean, stressed: boolean, more: Record<string, string>): Forms {
  const { stem: plain, type } = readStem(lemma, gender);
  const stem = more.stem ?? plain;
  if (type === "мя") return forms(lemma, `${stem}ени`, `${stem}ени`, lemma, `${stem}енем`, `${stem}ени`);
  if (type === "third") return forms(lemma, `${stem}и`, `${stem}и`, lemma, `${stem}ью`, `${stem}и`);
  const soft = type === "soft";
  // -ия, -ие, -ий have -ии where others have -е.
  const e = plain.endsWith("и") && soft ? "и" : "е";
  // An unstressed о after ж ш ч щ ц is written е; a stressed е of a soft stem is ё.
  const o = soft ? (stressed ? "ё" : "е") : !stressed && /[жшчщц]$/.test(stem) ? "е" : "о";
  const ы = soft || velarOrHushing.test(stem) ? "и" : "ы";
  if (/[ая]$/.test(lemma)) {
    return forms(lemma, stem + ы, stem + e, stem + (soft ? "ю" : "у"), `${stem + o}й`, stem + e);
  }
  const gen = stem + (soft ? "я" : "а");
  return forms(lemma, gen, stem + (soft ? "ю" : "у"), animate ? gen : lemma, more.is ?? `${stem + o}м`, stem + e);
}

/** The zero ending of the genitive plural, with the fleeting vowel of -ка: чашка, чашек; сумка, сумок; чайка, чаек. */
function zeroEnding(stem: string, soft: boolean): string {
  if (soft) return stem.endsWith("и") ? `${stem}й` : /[аеоуь]$/.test(stem) ? `${stem.replace(/ь$/, "е")}й` : `${stem}ь`;
  const fleeting = /^(.*)([бвгджзйклмнпрстфхцчшщь])к$/.exec(stem);
  if (!fleeting) return stem;
  const [, head, consonant] = fleeting;
  if (consonant === "й" || consonant === "ь") return `${head}ек`;
  return `${head}${consonant}${/[жшчщц]/.test(consonant!) ? "е" : "о"}к`;
}

function plural(lemma: string, gender: Gender, animate: boolean, stressed: boolean, more: Record<string, string>): Forms {
  const { stem: plain, type } = readStem(lemma, gender);
  if (type === "мя") {
    return pluralForms(`${plain}ена`, `${plain}ён`, "а", animate, more);
  }
  if (gender === "p") {
    const soft = /[^гкхжшчщ]и$/.test(lemma);
    return pluralForms(lemma, more.gp ?? zeroEnding(lemma.slice(0, -1), soft), soft ? "я" : "а", animate, more);
  }
  const stem = more.pstem ?? more.stem ?? plain;
  const soft = type !== "hard";
  const и = soft || velarOrHushing.test(stem) ? "и" : "ы";
  const nom = more.np ?? stem + (gender === "n" ? (soft ? "я" : "а") : и);
  // Obliques are soft after a soft stem or a plural of its own in -ья, -и (стулья, соседи), but never я after a hushing consonant.
  const a = hushing.test(nom.slice(0, -1)) ? "а" : more.np ? (/(я|[^гкхжшчщц]и)$/.test(nom) ? "я" : "а") : soft ? "я" : "а";
  let gen: string;
  if (more.np?.endsWith("ья")) gen = `${more.np.slice(0, -1)}ев`;
  else if (more.np?.endsWith("ята")) gen = more.np.slice(0, -1);
  else if (gender === "f" || /[ая]$/.test(lemma)) gen = type === "third" ? `${stem}ей` : zeroEnding(stem, soft);
  else if (gender === "n") gen = soft ? (stem.endsWith("и") ? `${stem}й` : `${stem}ей`) : zeroEnding(stem, false);
  else if (lemma.endsWith("й")) gen = `${stem}${stressed ? "ё" : "е"}в`;
  else if (soft || hushing.test(stem)) gen = `${stem}ей`;
  else gen = `${stem}${stem.endsWith("ц") && !stressed ? "е" : "о"}в`;
  return pluralForms(nom, more.gp ?? gen, a, animate, more);
}

function pluralForms(nom: string, gen: string, a: "а" | "я", animate: boolean, more: Record<string, string>): Forms {
  const stem = nom.slice(0, -1);
  return forms(nom, gen, more.dp ?? `${stem}${a}м`, animate ? gen : nom, more.ip ?? `${stem}${a}ми`, `${stem}${a}х`);
}

/**
 * All forms of a Russian noun from its dictionary form, its class letters and its exceptions, as `lexicon/nouns.ts`
 * writes them. After Zaliznyak's "Grammatical dictionary", without stress. Throws where the class is not known.
 */
export function declineNoun(lemma: string, kind: string, more: Record<string, string> = {}): Declined {
  const { gender, animate, stressed, adjectival, undeclined } = readClass(kind);
  const done = (one: Forms, many: Forms) => ({ gender, animate, one, many, place: more.loc ?? one.pre });
  if (undeclined) {
    const same = forms(lemma, lemma, lemma, lemma, lemma, lemma);
    return done(same, same);
  }
  if (adjectival) {
    const adjective = declineAdjective(lemma);
    const decline = (all: Forms): Forms => (animate && (gender === "m" || all === adjective.p) ? { ...all, acc: all.gen } : all);
    return done(decline(adjective[gender]), decline(adjective.p));
  }
  const many = plural(lemma, gender, animate, stressed, more);
  return done(gender === "p" ? many : singular(lemma, gender, animate, stressed, more), many);
}

/**
 * All forms of a Russian adjective from its dictionary form in any gender. The accusative of `m` and `p` is that of things;
 * `agree` gives that of living beings. Classes: hard (новый), stressed (большой), soft (синий), mixed (маленький, хороший).
 */
export function declineAdjective(lemma: string): AdjectiveForms {
  const stem = lemma.slice(0, -2);
  const ending = lemma.slice(-2);
  const soft = /^(яя|ее|ий)$/.test(ending) && !velarOrHushing.test(stem);
  const и = soft || velarOrHushing.test(stem) ? "и" : "ы";
  const stressed = ending === "ой";
  const o = soft || (hushing.test(stem) && !stressed) ? "е" : "о";
  const nominative = stressed ? "ой" : `${и}й`;
  const oblique = { gen: `${stem}${o}го`, dat: `${stem}${o}му`, ins: `${stem}${и}м`, pre: `${stem}${o}м` };
  const m: Forms = { nom: stem + nominative, acc: stem + nominative, ...oblique };
  const neuter = `${stem}${o}е`;
  const f = `${stem}${o}й`;
  const many = `${stem}${и}е`;
  const ых = `${stem}${и}х`;
  return {
    m,
    n: { nom: neuter, acc: neuter, ...oblique },
    f: forms(stem + (soft ? "яя" : "ая"), f, f, stem + (soft ? "юю" : "ую"), f, f),
    p: forms(many, ых, `${stem}${и}м`, many, `${stem}${и}ми`, ых),
  };
}

/** The form of an adjective that agrees with `noun` in gender, number, case and, in the accusative, animacy. */
export function agree(adjective: AdjectiveForms, noun: Agreeing, form: Case, number: "one" | "many" = "one"): string {
  const gender = number === "many" ? "p" : noun.gender;
  const own = adjective[gender];
  return form === "acc" && noun.animate && (gender === "m" || gender === "p") ? own.gen : own[form];
}

/** The past tense that agrees with `subject`, from the masculine form: взял, взяла; принёс, принесла; вошёл, вошла; -ся. */
export function pastForms(masculine: string): Record<Gender, string> {
  const reflexive = /ся$/.test(masculine);
  const base = reflexive ? masculine.slice(0, -2) : masculine;
  let stem = base;
  if (/шёл$/.test(base)) stem = `${base.slice(0, -2)}л`;
  else if (base.endsWith("л")) stem = base;
  else stem = `${base.replace(/ё(?=[^аеёиоуыэюя]*$)/, "е")}л`;
  const after = reflexive ? "сь" : "";
  return { m: masculine, f: `${stem}а${after}`, n: `${stem}о${after}`, p: `${stem}и${after}` };
}

const vowel = "аеёиоуыэюя";
const inBeforeCluster = new RegExp(`^([вф][^${vowel}ь]|вь|двор|льв|рт[уао]|сне$|сн[еа])`, "i");
const withBeforeCluster = new RegExp(`^([сзшжщ][^${vowel}ь]|щ|льв|льд|рт)`, "i");

/** A preposition with the vowel that the next word asks for: в/во, с/со, к/ко, о/об. */
export function preposition(
  name: "в" | "с" | "к" | "о" | "на" | "из" | "у" | "под" | "над" | "за" | "от" | "до",
  next: string,
): string {
  if (name === "в") return inBeforeCluster.test(next) ? "во" : "в";
  if (name === "с") return withBeforeCluster.test(next) ? "со" : "с";
  if (name === "к") return /^(льв|дн[юя]|вс)/i.test(next) ? "ко" : "к";
  if (name === "о") return /^[аоуэи]/i.test(next) ? "об" : "о";
  return name;
}
