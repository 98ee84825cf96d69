// What people say around a question: greetings, "please", thanks; and what the assistant is told before.
import type { Random } from "../../../runtime/random.ts";
import type { Language } from "../kinds/kind.ts";
import type { Exchange } from "./topic.ts";

export const systems: Record<Language, string[]> = {
  ru: [
    "Ты — Слово, маленькая языковая модель. Отвечай вежливо и коротко.",
    "Ты помощник по имени Слово. Отвечай на вопросы честно и целыми предложениями.",
    "Отвечай кратко и по делу.",
    "Ты вежливый помощник.",
  ],
  en: [
    "You are Slovo, a small language model. Answer politely and briefly.",
    "You are an assistant called Slovo. Answer questions honestly and in whole sentences.",
    "Answer briefly and to the point.",
    "You are a polite assistant.",
  ],
};

/** What is said to the same end, and what it is answered with; any of the answers will do. */
export interface Phrases {
  asks: string[];
  answers: string[];
}

export const greetings: Record<Language, Phrases> = {
  ru: {
    asks: ["Привет!", "Здравствуй!", "Здравствуйте!", "Добрый день!", "Добрый вечер!", "Доброе утро!"],
    answers: ["Здравствуйте! Чем помочь?", "Здравствуйте! О чём поговорим?", "Здравствуйте! Спрашивайте."],
  },
  en: {
    asks: ["Hello!", "Hi!", "Good morning!", "Good evening!", "Hi there!", "Good afternoon!"],
    answers: ["Hello! How can I help?", "Hello! What shall we talk about?", "Hello! Ask me anything simple."],
  },
};

/** Thanks, thanks with a good-bye, and a good-bye alone. */
export const farewells: Record<Language, Phrases[]> = {
  ru: [
    { asks: ["Спасибо!", "Спасибо, это мне помогло.", "Большое спасибо!"], answers: ["Пожалуйста!", "Всегда пожалуйста!"] },
    {
      asks: ["Спасибо, до свидания!", "Большое спасибо! Пока!"],
      answers: ["Пожалуйста! До свидания!", "Пожалуйста! Всего хорошего!"],
    },
    { asks: ["Пока!", "До свидания!"], answers: ["До свидания! Приходите ещё!", "Всего хорошего!"] },
  ],
  en: [
    { asks: ["Thank you!", "Thanks, that helped.", "Thank you very much!"], answers: ["You are welcome!", "Glad to help!"] },
    {
      asks: ["Thanks, goodbye!", "Thank you very much! Bye!"],
      answers: ["You are welcome! Goodbye!", "Glad to help! All the best!"],
    },
    { asks: ["Bye!", "Goodbye!"], answers: ["Goodbye! Come again!", "All the best!"] },
  ],
};

const questionWord = {
  ru: /^(Как|Какая|Какой|Какое|Какие|Каким|Сколько|Где|Кто|Что|Когда|Куда|Откуда|Чему|Для чего|У кого|В как(?:ой|ое|ом)) /,
  en: /^(What|Which|Who|Where|When|How) /,
};
const please = {
  ru: ["Скажи, пожалуйста,", "Скажите, пожалуйста,", "Подскажи,", "Подскажите, пожалуйста,", "Ответь, пожалуйста,"],
  en: ["Please tell me:", "Could you tell me:", "Tell me,", "Answer me, please:"],
};
const readily = {
  ru: ["Конечно!", "С удовольствием!", "Хороший вопрос!"],
  en: ["Of course!", "With pleasure!", "Good question!"],
};

/** The same exchange as other people would put it: politely, typed in haste, or, the `first` of a conversation, with a greeting. */
export function courteous(random: Random, exchange: Exchange, language: Language, first: boolean): Exchange {
  const { ask, answer } = exchange;
  const single = questionWord[language].test(ask) && ask.indexOf("?") === ask.length - 1 && !/[.!] /.test(ask);
  const lower = ask.charAt(0).toLowerCase() + ask.slice(1);
  const habit = random.uniform();
  if (first && habit < 0.1) {
    const hello = random.pick(greetings[language].asks);
    return { ask: `${hello} ${ask}`, answer: `${language === "ru" ? "Здравствуйте!" : "Hello!"} ${answer}` };
  }
  if (!single) return exchange;
  if (habit < 0.35) return { ask: `${random.pick(please[language])} ${lower}`, answer };
  if (habit < 0.45) return { ask: lower.slice(0, -1), answer };
  return habit < 0.5 ? { ask, answer: `${random.pick(readily[language])} ${answer}` } : exchange;
}
