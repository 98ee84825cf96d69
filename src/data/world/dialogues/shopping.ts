// What to buy and where.
import type { Random } from "../../../runtime/random.ts";
import { some } from "../draw.ts";
import * as en from "../english.ts";
import { enGoods, ruGoods, shops } from "../kinds/shopping.ts";
import { type Noun, tagged } from "../lexicon.ts";
import { other, pair } from "../probes/probe.ts";
import * as ru from "../russian.ts";
import { anyOf, known, series, type Topic } from "./topic.ts";

function purchase(random: Random) {
  const shop = random.pick(shops);
  const item = random.pick(shop.goods);
  return { shop, item, elsewhere: other(random, shops, ({ goods }) => goods.includes(item)) };
}

/** What a shop has, and what none has: an animal of the wild. */
function choice(random: Random, unseen: boolean) {
  const [first, second] = pair(random, shops[0]!.goods, shops[0]!.goods, unseen);
  const animal = random.pick(tagged("wild"));
  return { first, second, animal, order: random.uniform() < 0.5 };
}

/** Some goods of one shop after another. */
function goods(random: Random) {
  const left = random.shuffle(shops);
  return () => {
    const shop = left.pop() ?? shops[0]!;
    return { shop, items: some(random, shop.goods, 2, [], true) as [Noun, Noun], elsewhere: random.pick(tagged("wild")) };
  };
}

export const shopping: Topic = {
  name: "shopping",
  weight: 2,
  skill: "lexical",
  ru: anyOf(
    known((random) =>
      series(random, () => purchase(random), {
        first: [
          ({ item }) => `Где можно купить ${ruGoods(item)}?`,
          ({ item }) => `Мне нужно купить ${ruGoods(item)}. Куда пойти?`,
        ],
        next: [({ item }) => `А ${ruGoods(item)}?`],
        answers: [({ item }, fact) => `${ru.cap(ruGoods(item))} можно купить ${fact}.`],
        fact: ({ shop }) => shop.ruAt,
        wrong: ({ elsewhere }) => elsewhere.ruAt,
      }),
    ),
    known((random) =>
      series(random, goods(random), {
        first: [({ shop }) => `Что можно купить ${shop.ruAt}?`, ({ shop }) => `Что продают ${shop.ruAt}?`],
        next: [({ shop }) => `А ${shop.ruAt}?`],
        answers: [({ shop, items }, fact) => `${ru.cap(shop.ruAt)} можно купить ${ruGoods(items[0])} и ${fact}.`],
        fact: ({ items }) => ruGoods(items[1]),
        wrong: ({ elsewhere }) => elsewhere.one.acc,
      }),
    ),
    (random, unseen) =>
      series(random, () => choice(random, unseen), {
        first: [
          ({ first, second, animal, order }) => {
            const two = [ruGoods(second), animal.one.acc];
            return `Я иду в магазин, чтобы купить ${ruGoods(first)}. Что ещё там можно купить: ${(order ? two : two.reverse()).join(" или ")}?`;
          },
        ],
        answers: [(_, fact) => `Ещё там можно купить ${fact}.`],
        fact: ({ second }) => ruGoods(second),
        wrong: ({ animal }) => animal.one.acc,
      }),
  ),
  en: anyOf(
    known((random) =>
      series(random, () => purchase(random), {
        first: [
          ({ item }) => `Where can I buy ${enGoods(item)}?`,
          ({ item }) => `I need to buy ${enGoods(item)}. Where should I go?`,
        ],
        next: [({ item }) => `And ${enGoods(item)}?`],
        answers: [({ item }, fact) => `You can buy ${enGoods(item)} ${fact}.`],
        fact: ({ shop }) => shop.enAt,
        wrong: ({ elsewhere }) => elsewhere.enAt,
      }),
    ),
    known((random) =>
      series(random, goods(random), {
        first: [({ shop }) => `What can I buy ${shop.enAt}?`, ({ shop }) => `What do they sell ${shop.enAt}?`],
        next: [({ shop }) => `And ${shop.enAt}?`],
        answers: [({ shop, items }, fact) => `${en.cap(shop.enAt)} you can buy ${enGoods(items[0])} and ${fact}.`],
        fact: ({ items }) => enGoods(items[1]),
        wrong: ({ elsewhere }) => en.a(elsewhere),
      }),
    ),
    (random, unseen) =>
      series(random, () => choice(random, unseen), {
        first: [
          ({ first, second, animal, order }) => {
            const two = [enGoods(second), en.a(animal)];
            return `I am going to the shop to buy ${enGoods(first)}. What else can I buy there: ${(order ? two : two.reverse()).join(" or ")}?`;
          },
        ],
        answers: [(_, fact) => `There you can also buy ${fact}.`],
        fact: ({ second }) => enGoods(second),
        wrong: ({ animal }) => en.a(animal),
      }),
  ),
};
