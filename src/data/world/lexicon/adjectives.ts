// The adjectives of the little world, one a line: Russian | group | English | Russian comparative / English | opposite (Russian).
// The class of declension is read from the ending (новый hard, большой stressed, синий soft, маленький mixed).
// A group says what the adjective may describe; `lexicon.ts` maps groups to the tags of nouns.
export const adjectives = `
красный | colour | red | |
синий | colour | blue | |
зелёный | colour | green | |
жёлтый | colour | yellow | |
белый | colour fur | white | | чёрный
чёрный | colour fur | black | | белый
серый | colour fur | grey | |
коричневый | colour | brown | |
розовый | colour | pink | |
фиолетовый | colour | purple | |
голубой | colour | light blue | |
рыжий | fur | ginger | |
большой | size scale | big | больше / bigger | маленький
маленький | size scale | small | меньше / smaller | большой
новый | age | new | новее / newer | старый
старый | age | old | старее / older | новый
красивый | look | beautiful | красивее / more beautiful |
чистый | state | clean | чище / cleaner | грязный
грязный | state | dirty | грязнее / dirtier | чистый
тяжёлый | weight scale | heavy | тяжелее / heavier | лёгкий
лёгкий | weight scale | light | легче / lighter | тяжёлый
дорогой | price scale | expensive | дороже / more expensive | дешёвый
дешёвый | price scale | cheap | дешевле / cheaper | дорогой
круглый | shape | round | |
квадратный | shape | square | |
деревянный | material | wooden | |
вкусный | taste | tasty | вкуснее / tastier |
сладкий | taste | sweet | слаще / sweeter | горький
горький | bitter | bitter | | сладкий
свежий | taste | fresh | свежее / fresher |
спелый | ripe | ripe | |
сочный | ripe | juicy | сочнее / juicier |
кислый | sour | sour | кислее / more sour | сладкий
горячий | temperature | hot | горячее / hotter | холодный
холодный | temperature weather | cold | холоднее / colder | горячий
тёплый | place weather | warm | теплее / warmer | холодный
светлый | place | bright | светлее / brighter | тёмный
тёмный | place | dark | темнее / darker | светлый
тихий | place | quiet | тише / quieter | шумный
шумный | place | noisy | шумнее / noisier | тихий
уютный | place | cosy | уютнее / cosier |
просторный | place | spacious | просторнее / more spacious | тесный
тесный | place | cramped | теснее / more cramped | просторный
добрый | character | kind | добрее / kinder | злой
злой | temper | angry | злее / angrier | добрый
умный | character | clever | умнее / cleverer | глупый
глупый | temper | silly | глупее / sillier | умный
весёлый | character | cheerful | веселее / more cheerful | грустный
грустный | temper | sad | грустнее / sadder | весёлый
смелый | character | brave | смелее / braver | трусливый
трусливый | temper | cowardly | трусливее / more cowardly | смелый
вежливый | character | polite | вежливее / more polite | грубый
грубый | temper | rude | грубее / ruder | вежливый
опытный | character | experienced | опытнее / more experienced |
быстрый | speed | fast | быстрее / faster | медленный
медленный | speed | slow | медленнее / slower | быстрый
пушистый | coat | fluffy | пушистее / fluffier |
дикий | wildness | wild | |
домашний | wildness | domestic | |
длинный | length | long | длиннее / longer | короткий
короткий | length | short | короче / shorter | длинный
высокий | height scale | tall | выше / taller | низкий
низкий | height scale | low | ниже / lower | высокий
широкий | width | wide | шире / wider | узкий
узкий | width | narrow | уже / narrower | широкий
глубокий | depth | deep | глубже / deeper | мелкий
мелкий | depth | shallow | мельче / shallower | глубокий
хороший | good | good | лучше / better | плохой
прекрасный | good | wonderful | прекраснее / more wonderful | ужасный
отличный | good | excellent | | ужасный
замечательный | good | remarkable | | плохой
интересный | good | interesting | интереснее / more interesting | скучный
увлекательный | good | exciting | увлекательнее / more exciting | скучный
плохой | bad | bad | хуже / worse | хороший
ужасный | bad | terrible | ужаснее / more terrible | прекрасный
скучный | bad | boring | скучнее / more boring | интересный
слабый | bad | weak | слабее / weaker | сильный
неудачный | bad | poor | | отличный
сильный | strength | strong | сильнее / stronger | слабый
молодой | years | young | моложе / younger | старый
зимний | season | winter | |
летний | season | summer | |
осенний | season | autumn | |
весенний | season | spring | |
утренний | daytime | morning | |
вечерний | daytime | evening | |
солнечный | weather | sunny | |
дождливый | weather | rainy | |
ветреный | weather | windy | |
последний | order | last | | первый
первый | order | first | | последний
`;
