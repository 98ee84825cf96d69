// What the weather of each capital usually is, month by month.

/** A letter for each kind of weather: Russian, English, both after «обычно», "it is usually". */
export const weather: Record<string, [ru: string, en: string]> = {
  s: ["холодно и снежно", "cold and snowy"],
  k: ["холодно и сухо", "cold and dry"],
  n: ["прохладно и ветрено", "cool and windy"],
  r: ["прохладно и дождливо", "cool and rainy"],
  c: ["прохладно и солнечно", "cool and sunny"],
  w: ["тепло и солнечно", "warm and sunny"],
  t: ["тепло и дождливо", "warm and rainy"],
  h: ["жарко и сухо", "hot and dry"],
  j: ["жарко и дождливо", "hot and rainy"],
};

/**
 * Climates, one a line: the weather of the twelve months from January | countries, for their capitals.
 * Only what is usual, in the broad sense of Köppen's classes; south of the equator July is the cool month.
 */
export const climates = `
sssncwwwrrns | Белоруссия Украина Латвия Литва Эстония Финляндия
sssncwwwrrss | Россия Канада Казахстан
sskncwwwckks | Монголия
ssnncwwwrrrs | Норвегия Швеция Словакия Польша Молдавия
ssnrrcccrnns | Исландия
rnnccwwwrrrr | Великобритания Ирландия Дания Нидерланды
rrncwwwwcrrr | Франция Бельгия
ssncwwwwcrrs | Германия Чехия Австрия Швейцария
ssncwwhhwcrs | Венгрия Румыния Болгария Сербия Хорватия Словения
rrcwwhhhwwrr | Италия Испания Португалия Греция Албания Мальта Ливан Сирия
ssncwwhhwcrs | Турция Армения
rrncwwhhwcrr | Грузия Азербайджан
srncwhhhwcrs | Узбекистан Киргизия Таджикистан Иран
ccwwhhhhhwcc | Ирак Египет
kkncwwjjwwck | Китай
ccncwtjjttcc | Япония
ccwhhhjjjwwc | Индия
ccwwwtttttcc | Непал
wwhhjjjjjjww | Таиланд Филиппины
cctwjjjjjtwc | Вьетнам
jjjjhhhhhjjj | Индонезия
rrcwwhhhwwcr | Марокко
ccwwwttttwcc | Эфиопия
wwtttccccwtt | Кения
hhhjjjwwtjhh | Гана
wwwwwhjjjhhw | Сенегал
hhjjwccccwhh | Ангола
ttttwccccwtt | Мадагаскар
snccwwjjwccs | США
wwwwwttttwww | Мексика
wwwwjjjjjtww | Куба
wwwwjhhjjjww | Ямайка
ttttwwwwwttt | Бразилия
hhwwcrrrccww | Аргентина Уругвай
hhhwcrrrccwh | Чили
wwwwcnnnnccw | Перу
ccttttcccttc | Колумбия
wwwwtttttttw | Венесуэла
ttttwcccwttw | Эквадор
hhhwcccccwwh | Австралия
`;
