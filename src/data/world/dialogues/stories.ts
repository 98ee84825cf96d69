// Stories and descriptions on request, written as the plain texts are.
import type { Random } from "../../../runtime/random.ts";
import { day } from "../kinds/day.ts";
import { description } from "../kinds/description.ts";
import { geography } from "../kinds/geography.ts";
import { home } from "../kinds/home.ts";
import type { Kind } from "../kinds/kind.ts";
import { people } from "../kinds/people.ts";
import { reviews } from "../kinds/reviews.ts";
import { searching } from "../kinds/search.ts";
import { shopping } from "../kinds/shopping.ts";
import { anyOf, type Opening, type Topic } from "./topic.ts";

/** Longer texts leave no room for a second turn. */
const longest = 420;

/** A text of the kind without questions of its own. */
function write(random: Random, kind: Kind, language: "ru" | "en"): string {
  for (;;) {
    const text = kind[language](random);
    if (text.length <= longest && !text.includes("?")) return text;
  }
}

const telling =
  (kinds: Kind[], language: "ru" | "en", first: string[], next: string[]): Opening =>
  (random, unseen) => {
    if (unseen) return undefined;
    let begun = false;
    return () => {
      const ask = random.pick(begun ? next : first);
      begun = true;
      return { ask, answer: write(random, random.pick(kinds), language) };
    };
  };

export const stories: Topic = {
  name: "stories",
  weight: 1.5,
  ru: anyOf(
    telling(
      [home, searching, shopping],
      "ru",
      ["Расскажи короткую историю.", "Расскажи мне что-нибудь.", "Придумай маленький рассказ."],
      ["Расскажи ещё одну.", "А ещё?"],
    ),
    telling(
      [searching],
      "ru",
      ["Расскажи, как кто-нибудь потерял вещь.", "Придумай историю о том, как что-то искали и нашли."],
      ["Ещё одну такую, пожалуйста."],
    ),
    telling([description], "ru", ["Опиши какую-нибудь комнату.", "Опиши комнату и вещи в ней."], ["Опиши ещё одну."]),
    telling([people], "ru", ["Расскажи о каком-нибудь человеке.", "Придумай человека и опиши его."], ["А теперь о другом."]),
    telling(
      [day],
      "ru",
      ["Расскажи, как прошёл чей-нибудь день.", "Опиши чей-нибудь день с утра до вечера."],
      ["А ещё чей-нибудь?"],
    ),
    telling([geography], "ru", ["Расскажи о каком-нибудь путешествии.", "Расскажи что-нибудь о разных странах."], ["А ещё?"]),
    telling([reviews], "ru", ["Напиши короткий отзыв.", "Напиши отзыв о чём-нибудь."], ["Напиши ещё один."]),
  ),
  en: anyOf(
    telling(
      [home, searching, shopping],
      "en",
      ["Tell me a short story.", "Tell me something.", "Make up a little story."],
      ["Tell me another one.", "And another?"],
    ),
    telling(
      [searching],
      "en",
      ["Tell me how somebody lost a thing.", "Make up a story about a thing that was lost and found."],
      ["Another one like that, please."],
    ),
    telling([description], "en", ["Describe a room.", "Describe a room and the things in it."], ["Describe another one."]),
    telling([people], "en", ["Tell me about somebody.", "Make up a person and describe them."], ["And somebody else?"]),
    telling([day], "en", ["Tell me how somebody's day went.", "Describe a day from morning till night."], ["And another day?"]),
    telling([geography], "en", ["Tell me about a journey.", "Tell me something about different countries."], ["And more?"]),
    telling([reviews], "en", ["Write a short review.", "Write a review of something."], ["Write another one."]),
  ),
};
