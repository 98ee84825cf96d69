// All subjects of conversation. A new one is a file beside this one and a line here.
import { arithmetic } from "./arithmetic.ts";
import { calendar } from "./calendar.ts";
import { geography } from "./geography.ts";
import { grammar } from "./grammar.ts";
import { home } from "./home.ts";
import { reviews } from "./reviews.ts";
import { shopping } from "./shopping.ts";
import { smallTalk } from "./small-talk.ts";
import { stories } from "./stories.ts";
import type { Topic } from "./topic.ts";
import { translation } from "./translation.ts";
import { weather } from "./weather.ts";
import { words } from "./words.ts";

export const topics: readonly Topic[] = [
  geography,
  weather,
  calendar,
  arithmetic,
  translation,
  home,
  shopping,
  words,
  reviews,
  grammar,
  stories,
  smallTalk,
];
