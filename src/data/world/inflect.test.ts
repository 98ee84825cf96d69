// Russian morphology against forms checked by hand, and agreement for every noun with every adjective.
import { expect, test } from "vitest";
import { agree, cases, declineAdjective, pastForms, preposition } from "./inflect.ts";
import { adjectives, countries, noun, nouns, russians, verb, verbs } from "./lexicon.ts";
import { adjectiveAfterNumber, counted, numberWord, numeral } from "./numerals.ts";

/** Six cases of the singular, then of the plural. */
const paradigms = `
стол: стол стола столу стол столом столе, столы столов столам столы столами столах
друг: друг друга другу друга другом друге, друзья друзей друзьям друзей друзьями друзьях
ребёнок: ребёнок ребёнка ребёнку ребёнка ребёнком ребёнке, дети детей детям детей детьми детях
время: время времени времени время временем времени, времена времён временам времена временами временах
имя: имя имени имени имя именем имени, имена имён именам имена именами именах
дочь: дочь дочери дочери дочь дочерью дочери, дочери дочерей дочерям дочерей дочерьми дочерях
человек: человек человека человеку человека человеком человеке, люди людей людям людей людьми людях
стул: стул стула стулу стул стулом стуле, стулья стульев стульям стулья стульями стульях
дерево: дерево дерева дереву дерево деревом дереве, деревья деревьев деревьям деревья деревьями деревьях
гостиная: гостиная гостиной гостиной гостиную гостиной гостиной, гостиные гостиных гостиным гостиные гостиными гостиных
окно: окно окна окну окно окном окне, окна окон окнам окна окнами окнах
яблоко: яблоко яблока яблоку яблоко яблоком яблоке, яблоки яблок яблокам яблоки яблоками яблоках
кухня: кухня кухни кухне кухню кухней кухне, кухни кухонь кухням кухни кухнями кухнях
чашка: чашка чашки чашке чашку чашкой чашке, чашки чашек чашкам чашки чашками чашках
муравей: муравей муравья муравью муравья муравьём муравье, муравьи муравьёв муравьям муравьёв муравьями муравьях
сестра: сестра сестры сестре сестру сестрой сестре, сёстры сестёр сёстрам сестёр сёстрами сёстрах
учёный: учёный учёного учёному учёного учёным учёном, учёные учёных учёным учёных учёными учёных
мышь: мышь мыши мыши мышь мышью мыши, мыши мышей мышам мышей мышами мышах
нож: нож ножа ножу нож ножом ноже, ножи ножей ножам ножи ножами ножах
часы: часы часов часам часы часами часах, часы часов часам часы часами часах
кенгуру: кенгуру кенгуру кенгуру кенгуру кенгуру кенгуру, кенгуру кенгуру кенгуру кенгуру кенгуру кенгуру
дядя: дядя дяди дяде дядю дядей дяде, дяди дядей дядям дядей дядями дядях
котёнок: котёнок котёнка котёнку котёнка котёнком котёнке, котята котят котятам котят котятами котятах
яйцо: яйцо яйца яйцу яйцо яйцом яйце, яйца яиц яйцам яйца яйцами яйцах
песня: песня песни песне песню песней песне, песни песен песням песни песнями песнях
море: море моря морю море морем море, моря морей морям моря морями морях
животное: животное животного животному животное животным животном, животные животных животным животных животными животных
скамейка: скамейка скамейки скамейке скамейку скамейкой скамейке, скамейки скамеек скамейкам скамейки скамейками скамейках
экскурсия: экскурсия экскурсии экскурсии экскурсию экскурсией экскурсии, экскурсии экскурсий экскурсиям экскурсии экскурсиями экскурсиях
ухо: ухо уха уху ухо ухом ухе, уши ушей ушам уши ушами ушах
`
  .trim()
  .split("\n");

test.each(paradigms)("declines %s", (line) => {
  const [lemma, both] = line.split(": ") as [string, string];
  const [one, many] = both.split(", ").map((forms) => forms.split(" ")) as [string[], string[]];
  const word = noun(lemma);
  expect(cases.map((form) => word.one[form])).toEqual(one);
  expect(cases.map((form) => word.many[form])).toEqual(many);
});

test("says where with the locative", () => {
  expect(["лес", "сад", "мост", "шкаф", "берег", "школа"].map((id) => noun(id).place)).toEqual([
    "лесу",
    "саду",
    "мосту",
    "шкафу",
    "берегу",
    "школе",
  ]);
});

test("declines adjectives of every class", () => {
  const forms = (lemma: string, gender: "m" | "f" | "n" | "p") =>
    cases.map((form) => declineAdjective(lemma)[gender][form]).join(" ");
  expect(forms("новый", "m")).toBe("новый нового новому новый новым новом");
  expect(forms("хороший", "m")).toBe("хороший хорошего хорошему хороший хорошим хорошем");
  expect(forms("хороший", "n")).toBe("хорошее хорошего хорошему хорошее хорошим хорошем");
  expect(forms("синий", "f")).toBe("синяя синей синей синюю синей синей");
  expect(forms("синий", "p")).toBe("синие синих синим синие синими синих");
  expect(forms("большой", "m")).toBe("большой большого большому большой большим большом");
  expect(forms("большой", "f")).toBe("большая большой большой большую большой большой");
  expect(forms("маленький", "p")).toBe("маленькие маленьких маленьким маленькие маленькими маленьких");
  expect(forms("голубой", "n")).toBe("голубое голубого голубому голубое голубым голубом");
  expect(forms("горячий", "f")).toBe("горячая горячей горячей горячую горячей горячей");
});

test("every adjective agrees with every noun in ending, and the accusative knows the living", () => {
  const endings = { m: /(ый|ий|ой)$/, f: /(ая|яя)$/, n: /(ое|ее)$/, p: /(ые|ие)$/ };
  for (const word of nouns) {
    for (const { forms } of adjectives) {
      expect(agree(forms, word, "nom")).toMatch(endings[word.gender]);
      expect(agree(forms, word, "nom", "many")).toMatch(endings.p);
      if (word.gender === "m") expect(agree(forms, word, "acc")).toBe(agree(forms, word, word.animate ? "gen" : "nom"));
      if (word.gender === "f") expect(agree(forms, word, "acc")).toMatch(/(ую|юю)$/);
    }
  }
});

test("numerals govern their nouns", () => {
  const say = (n: number, id: string, form: "nom" | "acc" = "nom") => counted(n, noun(id), form);
  expect([say(1, "стол"), say(2, "стол"), say(5, "стол"), say(22, "стол"), say(11, "стол")]).toEqual([
    "один стол",
    "два стола",
    "пять столов",
    "двадцать два стола",
    "одиннадцать столов",
  ]);
  expect([say(21, "яблоко"), say(5, "яблоко"), say(2, "чашка"), say(1, "окно"), say(100, "рубль"), say(14, "ребёнок")]).toEqual([
    "двадцать одно яблоко",
    "пять яблок",
    "две чашки",
    "одно окно",
    "сто рублей",
    "четырнадцать детей",
  ]);
  expect([
    say(1, "чашка", "acc"),
    say(21, "чашка", "acc"),
    say(2, "лев", "acc"),
    say(4, "кошка", "acc"),
    say(22, "слон", "acc"),
    say(1, "кит", "acc"),
  ]).toEqual(["одну чашку", "двадцать одну чашку", "двух львов", "четырёх кошек", "двадцать два слона", "одного кита"]);
  const big = declineAdjective("большой");
  expect([1, 2, 5].map((n) => adjectiveAfterNumber(n, big, noun("чашка")))).toEqual(["большая", "большие", "больших"]);
  expect([1, 2, 5].map((n) => adjectiveAfterNumber(n, big, noun("стол")))).toEqual(["большой", "больших", "больших"]);
  expect([0, 13, 40, 90, 99, 100].map((n) => numeral(n))).toEqual([
    "ноль",
    "тринадцать",
    "сорок",
    "девяносто",
    "девяносто девять",
    "сто",
  ]);
  expect([0, 13, 42, 100].map(numberWord)).toEqual(["zero", "thirteen", "forty-two", "one hundred"]);
  expect(() => numeral(1.5)).toThrow(/whole number/);
});

test("the past tense follows its subject", () => {
  expect(pastForms("взял")).toEqual({ m: "взял", f: "взяла", n: "взяло", p: "взяли" });
  expect(pastForms("пришёл").f).toBe("пришла");
  expect(pastForms("принёс").f).toBe("принесла");
  expect(pastForms("вернулся")).toEqual({ m: "вернулся", f: "вернулась", n: "вернулось", p: "вернулись" });
  expect(pastForms("лёг").f).toBe("легла");
  expect(pastForms("помог").f).toBe("помогла");
  expect(verb("выйти").past).toEqual({ m: "вышел", f: "вышла", n: "вышло", p: "вышли" });
});

test("prepositions take their vowels", () => {
  const say = (name: "в" | "с" | "о" | "к", words: string) =>
    words
      .split(" ")
      .map((word) => preposition(name, word))
      .join(" ");
  expect(say("в", "Франции Вьетнаме Вене дворе Финляндии сад вторник лесу")).toBe("во во в во в в во в");
  expect(say("с", "стола шкафа Светой собакой щенком чашкой завода")).toBe("со со со с со с с");
  expect(say("о", "окне ёлке столе игре яблоке")).toBe("об о о об о");
});

test("the lexicon is as large as it promises, and every word is complete", () => {
  expect(nouns.length).toBeGreaterThanOrEqual(400);
  expect(new Set(nouns.map((word) => word.id)).size).toBe(nouns.length);
  expect(verbs.length).toBeGreaterThanOrEqual(100);
  expect(adjectives.length).toBeGreaterThanOrEqual(80);
  expect(countries.length).toBeGreaterThanOrEqual(70);
  expect(russians.length).toBe(60);
  for (const word of nouns) for (const form of cases) expect(word.one[form] && word.many[form], word.id).toMatch(/^[а-яё]+$/);
  for (const { name, capital } of countries)
    for (const form of cases) expect(name.one[form] + capital.one[form]).toMatch(/^[А-Яа-яё-]+$/);
  for (const one of adjectives)
    if (one.opposite)
      expect(
        adjectives.some((other) => other.id === one.opposite),
        one.id,
      ).toBe(true);
});

test("countries stand in their cases", () => {
  const say = (id: string) => countries.find((country) => country.id === id)!;
  expect(say("Франция").name.one).toMatchObject({ gen: "Франции", pre: "Франции", acc: "Францию" });
  expect(say("Нидерланды").name.one).toMatchObject({ gen: "Нидерландов", pre: "Нидерландах" });
  expect(say("Египет").name.one).toMatchObject({ gen: "Египта", pre: "Египте" });
  expect(say("Польша").name.one).toMatchObject({ gen: "Польши", acc: "Польшу", ins: "Польшей" });
  expect(say("Греция").capital.one).toMatchObject({ gen: "Афин", pre: "Афинах" });
  expect(say("Куба").on).toBe(true);
});
