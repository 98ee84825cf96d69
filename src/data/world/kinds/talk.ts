// A talk overheard: questions and their answers in lines that begin with a dash, as novels print them. So a model that only continues texts
// knows the words of answers, and one that is taught to talk has to learn no more than when to say them.
import type { Random } from "../../../runtime/random.ts";
import { converse } from "../dialogues/converse.ts";
import { topics } from "../dialogues/index.ts";
import type { Kind, Language } from "./kind.ts";

/** Talk of words quotes wrong forms and single ones, which no text is to hold. */
const about = topics.filter(({ name }) => name !== "grammar" && name !== "translation");

const overheard = (random: Random, language: Language) =>
  converse(random, language, about)
    .exchanges.map(({ ask, answer }) => `— ${ask}\n— ${answer}`)
    .join("\n");

export const talk: Kind = {
  name: "talk",
  weight: 4,
  ru: (random) => overheard(random, "ru"),
  en: (random) => overheard(random, "en"),
};
