// What people say of plays, books, music and food, for the texts about feelings.

export type Side = [nom: string, gen: string, acc: string, ins: string, en: string];

/** What a work may be praised for: works | its sides: Russian nominative, genitive, accusative, instrumental; English. */
export const sides: { works: string[]; sides: Side[] }[] = [
  {
    works: ["спектакль", "опера", "балет"],
    sides: [
      ["декорации", "декораций", "декорации", "декорациями", "the scenery"],
      ["костюмы", "костюмов", "костюмы", "костюмами", "the costumes"],
      ["танцы", "танцев", "танцы", "танцами", "the dances"],
      ["голоса артистов", "голосов артистов", "голоса артистов", "голосами артистов", "the performers' voices"],
      [
        "декорации и игра актёров",
        "декораций и игры актёров",
        "декорации и игру актёров",
        "декорациями и игрой актёров",
        "the scenery and the acting",
      ],
      ["музыка и костюмы", "музыки и костюмов", "музыку и костюмы", "музыкой и костюмами", "the music and the costumes"],
    ],
  },
  {
    works: ["фильм", "роман", "фильм", "рассказ", "сказка"],
    sides: [
      ["герои", "героев", "героев", "героями", "the characters"],
      ["шутки", "шуток", "шутки", "шутками", "the jokes"],
      ["сюжет и герои", "сюжета и героев", "сюжет и героев", "сюжетом и героями", "the plot and the characters"],
      ["первые сцены", "первых сцен", "первые сцены", "первыми сценами", "the first scenes"],
      ["разговоры героев", "разговоров героев", "разговоры героев", "разговорами героев", "the dialogues"],
    ],
  },
  {
    works: ["концерт", "песня"],
    sides: [
      ["слова и музыка", "слов и музыки", "слова и музыку", "словами и музыкой", "the words and the music"],
      ["голоса певцов", "голосов певцов", "голоса певцов", "голосами певцов", "the singers' voices"],
      ["музыканты", "музыкантов", "музыкантов", "музыкантами", "the musicians"],
      ["скрипки и флейты", "скрипок и флейт", "скрипки и флейты", "скрипками и флейтами", "the violins and flutes"],
    ],
  },
  {
    works: ["выставка", "экскурсия"],
    sides: [
      ["картины", "картин", "картины", "картинами", "the paintings"],
      ["рассказы гида", "рассказов гида", "рассказы гида", "рассказами гида", "the guide's stories"],
      ["старые фотографии", "старых фотографий", "старые фотографии", "старыми фотографиями", "the old photographs"],
      ["залы музея", "залов музея", "залы музея", "залами музея", "the rooms of the museum"],
    ],
  },
  {
    works: ["обед", "ужин", "завтрак"],
    sides: [
      ["суп и салат", "супа и салата", "суп и салат", "супом и салатом", "the soup and the salad"],
      ["блины", "блинов", "блины", "блинами", "the pancakes"],
      ["чай и пироги", "чая и пирогов", "чай и пироги", "чаем и пирогами", "the tea and the pies"],
      ["официанты", "официантов", "официантов", "официантами", "the waiters"],
      ["пирожные", "пирожных", "пирожные", "пирожными", "the cakes"],
    ],
  },
];

export interface Opinion {
  id: string;
  good: boolean;
  /** With `{nom}`, `{gen}`, `{acc}`, `{ins}` for the side, `{Nom}` with a capital, and `{m|f}` for the speaker's gender. */
  ru: string;
  /** With `{side}`. */
  en: string;
}

/** What the speaker felt; the verdict follows from it. */
export const opinions: Opinion[] = [
  { id: "восторг", good: true, ru: "Я в восторге от {gen}", en: "I am delighted with {side}" },
  { id: "понравиться", good: true, ru: "Мне очень понравились {nom}", en: "I really liked {side}" },
  { id: "порадовать", good: true, ru: "Меня очень порадовали {nom}", en: "I was so pleased with {side}" },
  { id: "восхищение", good: true, ru: "Я {восхищён|восхищена} {ins}", en: "I admire {side}" },
  { id: "улыбка", good: true, ru: "Я улыбаюсь, когда вспоминаю {acc}", en: "I smile when I remember {side}" },
  { id: "доволен", good: true, ru: "Я очень {доволен|довольна} {ins}", en: "I am very happy with {side}" },
  { id: "лучше", good: true, ru: "{Nom} оказались лучше, чем я {ждал|ждала}", en: "I found {side} better than I had expected" },
  { id: "разочарование", good: false, ru: "Я {разочарован|разочарована} {ins}", en: "I am disappointed with {side}" },
  { id: "не понравиться", good: false, ru: "Мне совсем не понравились {nom}", en: "I did not like {side} at all" },
  { id: "расстроить", good: false, ru: "Меня расстроили {nom}", en: "I was upset by {side}" },
  { id: "недоволен", good: false, ru: "Я очень {недоволен|недовольна} {ins}", en: "I am very unhappy with {side}" },
  { id: "хуже", good: false, ru: "{Nom} оказались хуже, чем я {ждал|ждала}", en: "I found {side} worse than I had expected" },
  { id: "раздражать", good: false, ru: "Меня раздражали {nom}", en: "I was annoyed by {side}" },
  { id: "жаль", good: false, ru: "Мне не хочется вспоминать {acc}", en: "I do not want to remember {side}" },
];

/** What follows a verdict: whether one comes again. */
export const endings: Record<"good" | "bad", [string, string][]> = {
  good: [
    ["Советую всем.", "I recommend it to everyone."],
    ["Хочется прийти ещё раз.", "I would like to come again."],
    ["Это был прекрасный вечер.", "It was a wonderful evening."],
    ["Все остались довольны.", "Everybody was pleased."],
    ["Настроение стало отличным.", "It put me in an excellent mood."],
  ],
  bad: [
    ["Никому не советую.", "I do not recommend it to anyone."],
    ["Больше я туда не приду.", "I will not come again."],
    ["Это был потерянный вечер.", "It was a wasted evening."],
    ["Многие ушли раньше конца.", "Many left before the end."],
    ["Настроение испортилось.", "It spoiled my mood."],
  ],
};
