// All kinds of text. A new kind is a file beside this one and a line here.
import { animals } from "./animals.ts";
import { arithmetic } from "./arithmetic.ts";
import { calendar } from "./calendar.ts";
import { day } from "./day.ts";
import { description } from "./description.ts";
import { geography } from "./geography.ts";
import { home } from "./home.ts";
import type { Kind } from "./kind.ts";
import { people } from "./people.ts";
import { asking } from "./questions.ts";
import { reviews } from "./reviews.ts";
import { searching } from "./search.ts";
import { shopping } from "./shopping.ts";
import { talk } from "./talk.ts";
import { translation } from "./translation.ts";
import { weather } from "./weather.ts";
import { words } from "./words.ts";

export const kinds: readonly Kind[] = [
  home,
  shopping,
  arithmetic,
  geography,
  reviews,
  translation,
  people,
  description,
  words,
  animals,
  calendar,
  day,
  searching,
  weather,
  asking,
  talk,
];
