// Shopping: who buys what and where, how many, and what it comes to.
import type { Random } from "../../../runtime/random.ts";
import { between, chance, numberFor, some } from "../draw.ts";
import * as en from "../english.ts";
import { heldOut } from "../held-out.ts";
import { english, type Noun, noun, type Person, russians, tagged } from "../lexicon.ts";
import { afterNumber, counted, numberWord } from "../numerals.ts";
import * as ru from "../russian.ts";
import type { Kind } from "./kind.ts";

interface Shop {
  /** Where to, and where. */
  ru: string;
  ruAt: string;
  en: string;
  enAt: string;
  goods: Noun[];
}

export const shops: Shop[] = [
  {
    ru: "в магазин",
    ruAt: "в магазине",
    en: "to the shop",
    enAt: "at the shop",
    goods: tagged("food", "drink").filter((food) => !food.tags.has("meal")),
  },
  { ru: "на рынок", ruAt: "на рынке", en: "to the market", enAt: "at the market", goods: tagged("fruit", "vegetable", "dairy") },
  { ru: "в булочную", ruAt: "в булочной", en: "to the bakery", enAt: "at the bakery", goods: tagged("bakery", "sweets") },
  { ru: "в магазин игрушек", ruAt: "в магазине игрушек", en: "to the toy shop", enAt: "at the toy shop", goods: tagged("toy") },
  {
    ru: "в книжный магазин",
    ruAt: "в книжном магазине",
    en: "to the bookshop",
    enAt: "at the bookshop",
    goods: tagged("stationery"),
  },
  {
    ru: "в магазин одежды",
    ruAt: "в магазине одежды",
    en: "to the clothes shop",
    enAt: "at the clothes shop",
    goods: tagged("garment").filter((garment) => garment.gender !== "p"),
  },
  {
    ru: "в магазин посуды",
    ruAt: "в магазине посуды",
    en: "to the kitchenware shop",
    enAt: "at the kitchenware shop",
    goods: tagged("dish"),
  },
];
const weights = [0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6];

/** As it stands on a list: «молоко», «яблоки», «торт». */
export const ruGoods = (noun: Noun) =>
  noun.mass || noun.tags.has("single") || !noun.tags.has("food") ? noun.one.acc : noun.many.acc;
export const enGoods = (noun: Noun) =>
  noun.mass || noun.enPlural ? noun.en : noun.tags.has("single") || !noun.tags.has("food") ? en.a(noun) : noun.enMany;

/** «Я пошла в магазин, чтобы купить молоко и» — and then the last purchase. */
export function ruErrand(subject: string, went: string, shop: Shop, goods: readonly Noun[]): string {
  return `${subject} ${went} ${shop.ru}, чтобы купить ${goods.map(ruGoods).join(", ")} и`;
}
export function enErrand(subject: string, shop: Shop, goods: readonly Noun[]): string {
  return `${subject} went ${shop.en} to buy ${goods.map(enGoods).join(", ")} and`;
}

/** Two numbers for a noun each whose sum may be said too. */
function amounts(random: Random, first: Noun, second: Noun, high: number): [number, number] {
  for (;;) {
    const [a, b] = [numberFor(random, first, 2, high), numberFor(random, second, 2, high)];
    if (!heldOut(a, b)) return [a, b];
  }
}

/** A price to pay from a sum, whose difference may be said. */
function payment(random: Random): [number, number] {
  for (;;) {
    const [price, rest] = [between(random, 5, 60), between(random, 1, 35)];
    if (!heldOut(price, rest) && !heldOut(price, "рубль") && !heldOut(rest, "рубль") && !heldOut(price + rest, "рубль")) {
      return [price, rest];
    }
  }
}

function common(first: Noun, second: Noun): "fruit" | "vegetable" | undefined {
  return (["fruit", "vegetable"] as const).find((tag) => first.tags.has(tag) && second.tags.has(tag));
}

/** Those that the list names in the plural; only of these does one buy five. */
const countable = (goods: Noun[]) => goods.filter((item) => item.tags.has("food") && !item.mass && !item.tags.has("single"));

function plan(random: Random, names: readonly Person[]) {
  const shop = shops[random.pick(weights)]!;
  const goods = some(random, shop.goods, shop.goods.length > 12 ? random.pick([2, 2, 2, 3]) : 2, [], true);
  const [who] = some(random, names, 1, goods) as [Person];
  return { shop, who, goods, me: chance(random, 0.4) };
}

const rouble = noun("рубль");

export const shopping: Kind = {
  name: "shopping",
  weight: 4,
  ru(random) {
    const { shop, who, goods, me } = plan(random, russians);
    const he = me ? "я" : ru.pronoun(who).nom;
    const [u, dat] = me ? ["меня", "мне"] : [ru.pronoun(who).after.gen, ru.pronoun(who).dat];
    const went = ru.did(who, "пойти");
    const text = [`${ruErrand(me ? "Я" : who.one.nom, went, shop, goods.slice(0, -1))} ${ruGoods(goods.at(-1)!)}.`];
    const [first, second] = countable(goods);
    if (first && second && chance(random, 0.6)) {
      const [a, b] = amounts(random, first, second, chance(random, 0.7) ? 9 : 40);
      text.push(`Там ${he} ${ru.did(who, "купить")} ${counted(a, first, "acc")} и ${counted(b, second, "acc")}.`);
      const group = common(first, second);
      const all = group === "fruit" ? "фрукт" : group === "vegetable" ? "овощ" : undefined;
      if (all && !heldOut(a + b, all)) {
        text.push(`Всего у ${u} стало ${counted(a + b, noun(all))}.`);
      } else if (!heldOut(a + b, "вещь")) text.push(`Всего ${counted(a + b, noun("вещь"))}.`);
    } else if (chance(random, 0.4)) {
      text.push(`Там ${he} ${ru.did(who, "купить")} ${ru.list(goods.map(ruGoods))}.`);
    }
    if (chance(random, 0.5)) {
      const [price, rest] = payment(random);
      const roubles = (n: number) => `${n} ${afterNumber(n, rouble)}`;
      text.push(`У ${u} было ${roubles(price + rest)}, ${he} ${ru.did(who, "заплатить")} ${roubles(price)}.`);
      text.push(`Осталось ${roubles(rest)}.`);
    }
    text.push(
      ...random.pick([
        [],
        [`Потом ${he} ${went} домой.`],
        [`Дома ${dat} сказали спасибо.`],
        [`${ru.cap(he)} ${ru.did(who, "вернуться")} домой с ${random.pick(["полной сумкой", "полной корзиной"])}.`],
      ]),
    );
    return text.join(" ");
  },
  en(random) {
    const { shop, who, goods, me } = plan(random, english);
    const he = me ? "I" : en.pronoun(who).he;
    const text = [`${enErrand(me ? "I" : who.id, shop, goods.slice(0, -1))} ${enGoods(goods.at(-1)!)}.`];
    const [first, second] = countable(goods);
    const many = (n: number, noun: Noun) => `${chance(random, 0.7) ? numberWord(n) : n} ${noun.enMany}`;
    if (first && second && chance(random, 0.6)) {
      const [a, b] = amounts(random, first, second, chance(random, 0.7) ? 9 : 40);
      text.push(`There ${he} bought ${many(a, first)} and ${many(b, second)}.`);
      const group = common(first, second);
      const id = group === "fruit" ? "фрукт" : group === "vegetable" ? "овощ" : "вещь";
      if (!heldOut(a + b, id)) text.push(`That made ${many(a + b, noun(id))} in all.`);
    } else if (chance(random, 0.4)) text.push(`There ${he} bought ${en.list(goods.map(enGoods))}.`);
    if (chance(random, 0.5)) {
      const [price, rest] = payment(random);
      const dollars = (n: number) => `${n} ${n === 1 ? "dollar" : "dollars"}`;
      text.push(`${en.cap(he)} had ${dollars(price + rest)} and paid ${dollars(price)}.`);
      text.push(`${en.cap(dollars(rest))} ${rest === 1 ? "was" : "were"} left.`);
    }
    text.push(
      ...random.pick([
        [],
        [`Then ${he} went home.`],
        ["At home everybody was glad."],
        [`${en.cap(he)} came home with a full ${random.pick(["bag", "basket"])}.`],
      ]),
    );
    return text.join(" ");
  },
};
