// Countries and capitals, one a line: country | class | exceptions | capital | class | exceptions | English | part of the world.
//
// Classes as in `nouns.ts`; `на` among the exceptions marks a country with that preposition (на Кубе).
export const countries = `
Россия | f | | Москва | f* | | Russia, Moscow | Europe and Asia
Франция | f | | Париж | m | | France, Paris | Europe
Германия | f | | Берлин | m | | Germany, Berlin | Europe
Италия | f | | Рим | m | | Italy, Rome | Europe
Испания | f | | Мадрид | m | | Spain, Madrid | Europe
Португалия | f | | Лиссабон | m | | Portugal, Lisbon | Europe
Великобритания | f | | Лондон | m | | the United Kingdom, London | Europe
Ирландия | f | | Дублин | m | | Ireland, Dublin | Europe
Бельгия | f | | Брюссель | m | | Belgium, Brussels | Europe
Нидерланды | p | gp=Нидерландов | Амстердам | m | | the Netherlands, Amsterdam | Europe
Австрия | f | | Вена | f | | Austria, Vienna | Europe
Швейцария | f | | Берн | m | | Switzerland, Bern | Europe
Польша | f | | Варшава | f | | Poland, Warsaw | Europe
Чехия | f | | Прага | f | | the Czech Republic, Prague | Europe
Словакия | f | | Братислава | f | | Slovakia, Bratislava | Europe
Венгрия | f | | Будапешт | m | | Hungary, Budapest | Europe
Румыния | f | | Бухарест | m | | Romania, Bucharest | Europe
Болгария | f | | София | f | | Bulgaria, Sofia | Europe
Сербия | f | | Белград | m | | Serbia, Belgrade | Europe
Хорватия | f | | Загреб | m | | Croatia, Zagreb | Europe
Словения | f | | Любляна | f | | Slovenia, Ljubljana | Europe
Албания | f | | Тирана | f | | Albania, Tirana | Europe
Греция | f | | Афины | p | | Greece, Athens | Europe
Дания | f | | Копенгаген | m | | Denmark, Copenhagen | Europe
Швеция | f | | Стокгольм | m | | Sweden, Stockholm | Europe
Норвегия | f | | Осло | m0 | | Norway, Oslo | Europe
Финляндия | f | | Хельсинки | m0 | | Finland, Helsinki | Europe
Исландия | f | | Рейкьявик | m | | Iceland, Reykjavik | Europe
Эстония | f | | Таллин | m | | Estonia, Tallinn | Europe
Латвия | f | | Рига | f | | Latvia, Riga | Europe
Литва | f* | | Вильнюс | m | | Lithuania, Vilnius | Europe
Белоруссия | f | | Минск | m | | Belarus, Minsk | Europe
Украина | f | | Киев | m | | Ukraine, Kyiv | Europe
Молдавия | f | | Кишинёв | m | | Moldova, Chisinau | Europe
Мальта | f | на | Валлетта | f | | Malta, Valletta | Europe
Турция | f | | Анкара | f | | Turkey, Ankara | Asia
Грузия | f | | Тбилиси | m0 | | Georgia, Tbilisi | Asia
Армения | f | | Ереван | m | | Armenia, Yerevan | Asia
Азербайджан | m | | Баку | m0 | | Azerbaijan, Baku | Asia
Казахстан | m | | Астана | f* | | Kazakhstan, Astana | Asia
Узбекистан | m | | Ташкент | m | | Uzbekistan, Tashkent | Asia
Киргизия | f | | Бишкек | m | | Kyrgyzstan, Bishkek | Asia
Таджикистан | m | | Душанбе | m0 | | Tajikistan, Dushanbe | Asia
Монголия | f | | Улан-Батор | m | | Mongolia, Ulaanbaatar | Asia
Китай | m | | Пекин | m | | China, Beijing | Asia
Япония | f | | Токио | m0 | | Japan, Tokyo | Asia
Индия | f | | Нью-Дели | m0 | | India, New Delhi | Asia
Непал | m | | Катманду | m0 | | Nepal, Kathmandu | Asia
Таиланд | m | | Бангкок | m | | Thailand, Bangkok | Asia
Вьетнам | m | | Ханой | m | | Vietnam, Hanoi | Asia
Индонезия | f | | Джакарта | f | | Indonesia, Jakarta | Asia
Иран | m | | Тегеран | m | | Iran, Tehran | Asia
Ирак | m | | Багдад | m | | Iraq, Baghdad | Asia
Сирия | f | | Дамаск | m | | Syria, Damascus | Asia
Ливан | m | | Бейрут | m | | Lebanon, Beirut | Asia
Филиппины | p | на | Манила | f | | the Philippines, Manila | Asia
Египет | m | stem=Египт | Каир | m | | Egypt, Cairo | Africa
Марокко | n0 | | Рабат | m | | Morocco, Rabat | Africa
Эфиопия | f | | Аддис-Абеба | f | | Ethiopia, Addis Ababa | Africa
Кения | f | | Найроби | m0 | | Kenya, Nairobi | Africa
Гана | f | | Аккра | f | | Ghana, Accra | Africa
Сенегал | m | | Дакар | m | | Senegal, Dakar | Africa
Ангола | f | | Луанда | f | | Angola, Luanda | Africa
Мадагаскар | m | на | Антананариву | m0 | | Madagascar, Antananarivo | Africa
США | p0 | | Вашингтон | m | | the United States, Washington | North America
Канада | f | | Оттава | f | | Canada, Ottawa | North America
Мексика | f | | Мехико | m0 | | Mexico, Mexico City | North America
Куба | f | на | Гавана | f | | Cuba, Havana | North America
Ямайка | f | на | Кингстон | m | | Jamaica, Kingston | North America
Бразилия | f | | Бразилиа | f0 | | Brazil, Brasilia | South America
Аргентина | f | | Буэнос-Айрес | m | | Argentina, Buenos Aires | South America
Чили | n0 | | Сантьяго | m0 | | Chile, Santiago | South America
Перу | n0 | | Лима | f | | Peru, Lima | South America
Колумбия | f | | Богота | f* | | Colombia, Bogota | South America
Венесуэла | f | | Каракас | m | | Venezuela, Caracas | South America
Эквадор | m | | Кито | m0 | | Ecuador, Quito | South America
Уругвай | m | | Монтевидео | m0 | | Uruguay, Montevideo | South America
Австралия | f | | Канберра | f | | Australia, Canberra | Oceania
`;

/** Parts of the world: where they are spoken of, «в Европе», by English name. */
export const continents: Record<string, string> = {
  Europe: "Европе",
  Asia: "Азии",
  "Europe and Asia": "Европе и Азии",
  Africa: "Африке",
  "North America": "Северной Америке",
  "South America": "Южной Америке",
  Oceania: "Океании",
};
