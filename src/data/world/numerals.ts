// Russian cardinal numerals from 0 to 999 and the forms that nouns take after them; English ones beside.
import { type AdjectiveForms, type Agreeing, agree, type Declined, type Forms } from "./inflect.ts";

const units =
  "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать".split(
    " ",
  );
const tens = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split(" ");
const hundreds = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split(" ");
const enUnits =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const enTens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

const one: Record<"m" | "f" | "n", Partial<Forms> & { nom: string; acc: string }> = {
  m: { nom: "один", acc: "один" },
  f: { nom: "одна", acc: "одну" },
  n: { nom: "одно", acc: "одно" },
};

function check(n: number): void {
  if (!Number.isInteger(n) || n < 0 || n > 999) throw new RangeError(`a numeral is a whole number from 0 to 999, got ${n}`);
}

/** A number in Russian words, agreeing with `noun` where one and two do; accusative differs for one (одну) and living beings. */
export function numeral(n: number, noun: Agreeing = { gender: "m", animate: false }, form: "nom" | "acc" = "nom"): string {
  check(n);
  const words: string[] = [];
  if (n >= 100) words.push(hundreds[Math.floor(n / 100) - 1]!);
  const rest = n % 100;
  const compound = n > 20;
  const gender = noun.gender === "p" ? "m" : noun.gender;
  if (rest >= 20) words.push(tens[Math.floor(rest / 10) - 2]!);
  const unit = rest >= 20 ? rest % 10 : rest;
  if (unit === 0 && n > 0) return words.join(" ");
  const living = form === "acc" && noun.animate && !compound;
  if (unit === 1) words.push(form === "acc" && noun.animate && gender === "m" ? "одного" : one[gender][form]);
  else if (unit === 2) words.push(living ? "двух" : gender === "f" ? "две" : "два");
  else if (unit === 3) words.push(living ? "трёх" : "три");
  else if (unit === 4) words.push(living ? "четырёх" : "четыре");
  else words.push(units[unit]!);
  return words.join(" ");
}

/** Which form a Russian noun takes after `n`: один стол, два стола, пять столов. */
export function countClass(n: number): "one" | "few" | "many" {
  const teen = n % 100 >= 11 && n % 100 <= 14;
  if (teen) return "many";
  if (n % 10 === 1) return "one";
  return n % 10 >= 2 && n % 10 <= 4 ? "few" : "many";
}

/** The noun after a numeral, without the numeral: (5, стол) → столов. The case is that of the whole phrase. */
export function afterNumber(n: number, noun: Declined, form: "nom" | "acc" = "nom"): string {
  const count = countClass(n);
  if (count === "one") return noun.one[form];
  if (count === "many") return noun.many.gen;
  return form === "acc" && noun.animate && n < 20 ? noun.many.acc : noun.one.gen;
}

/** The adjective between a numeral and its noun: два больших стола, две большие чашки, пять больших столов. */
export function adjectiveAfterNumber(n: number, adjective: AdjectiveForms, noun: Agreeing, form: "nom" | "acc" = "nom"): string {
  const count = countClass(n);
  if (count === "one") return agree(adjective, noun, form);
  return count === "few" && noun.gender === "f" && !(form === "acc" && noun.animate) ? adjective.p.nom : adjective.p.gen;
}

/** A numeral in words with its noun: «двадцать одно яблоко», «двух котов» (accusative). */
export function counted(n: number, noun: Declined, form: "nom" | "acc" = "nom"): string {
  return `${numeral(n, noun, form)} ${afterNumber(n, noun, form)}`;
}

/** A number in English words: 42 → forty-two. */
export function numberWord(n: number): string {
  check(n);
  if (n >= 100) return `${enUnits[Math.floor(n / 100)]} hundred${n % 100 ? ` and ${numberWord(n % 100)}` : ""}`;
  if (n < 20) return enUnits[n]!;
  return `${enTens[Math.floor(n / 10) - 2]}${n % 10 ? `-${enUnits[n % 10]}` : ""}`;
}
