#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make-members.py > ../sample/members.csv
make-members.py --faults > ../sample/faults.csv

The sample table: the 193 Member States of the United Nations with an invented
minister each, at addresses that lead nowhere (RFC 2606). Names of States are
those that the United Nations uses in the language of correspondence; which
language a State is given here is plausible and no more.

`name` is for lists, in English; `addressee` and `office` are in the State's own
language, as the letter prints them; `office_code` and `gender` say what
salutations.tsv makes of the person. `salutation` and `ministry` are filled in
where a State calls them otherwise.
"""
import csv
import sys

# CODE cc m|f Person | the State in English | its name in English lists, where
# that differs. "the" goes before the name in a sentence.
ENGLISH = """
AFG af m Farid Nooristani | Afghanistan
ALB al f Mirela Dervishaj | Albania
AGO ao m Domingos Katchiungo | Angola
ATG ag f Roslyn Samuel-Frett | Antigua and Barbuda
ARM am m Tigran Aslanyants | Armenia
AUS au f Harriet Callaway | Australia
AUT at m Leopold Hohenwarter | Austria
AZE az f Leyla Qasimzadeh | Azerbaijan
BHS bs f Alethea Rolleston | the Bahamas
BGD bd m Anisur Rahim Talukder | Bangladesh
BRB bb f Marguerite Alleyne | Barbados
BLZ bz m Emory Castillo-Young | Belize
BTN bt m Karma Wangchen | Bhutan
BIH ba f Amra Selimbegović | Bosnia and Herzegovina
BWA bw f Kelebogile Motsumi | Botswana
BRA br m Otávio Seixas Brandão | Brazil
BRN bn m Awangku Hafiz Damit | Brunei Darussalam
BGR bg f Rositsa Velkova-Dencheva | Bulgaria
CPV cv f Zuleica Monteiro Tavares | Cabo Verde
KHM kh m Sovannarith Keo | Cambodia
CAN ca f Geneviève Thornbury | Canada
HRV hr m Tvrtko Babojelić | Croatia
CYP cy f Eleni Papastavrou | Cyprus
CZE cz m Vojtěch Havlasa | Czechia
PRK kp m Ryang Chol-min | the Democratic People's Republic of Korea
DNK dk f Astrid Kjærsgaard-Holm | Denmark
DMA dm m Curtis Laronde | Dominica
ERI er m Yohannes Tesfazghi | Eritrea
EST ee f Kadri Lepiksaar | Estonia
SWZ sz m Sibusiso Mavimbela | Eswatini
ETH et f Hiwot Alemseged | Ethiopia
FJI fj m Ratu Semisi Vakalala | Fiji
FIN fi f Päivi Rautavuori | Finland
GMB gm f Fatoumatta Sanneh-Joof | the Gambia | Gambia
GEO ge m Levan Tskhadadze | Georgia
DEU de f Friederike Altenbourg | Germany
GHA gh m Kwabena Ofosuhene | Ghana
GRC gr f Danai Mavrogordatou | Greece
GRD gd m Winston Cherebin | Grenada
GUY gy f Indranie Persaud-Baird | Guyana
HUN hu m Gergely Szentirmay | Hungary
ISL is f Sigrún Hallvarðsdóttir | Iceland
IND in m Raghav Venkataswamy | India
IDN id f Retnaningsih Wulandari | Indonesia
IRN ir m Kaveh Daneshvarian | the Islamic Republic of Iran | Iran (Islamic Republic of)
IRL ie f Gráinne Mac Oireachtaigh | Ireland
ISR il f Noa Ben-Harush | Israel
ITA it m Alvise Contardini | Italy
JAM jm f Yvonne Blackwood-Reid | Jamaica
JPN jp m Haruto Shimomura | Japan
KEN ke f Wanjiru Kiprotich | Kenya
KIR ki m Teburoro Kaitu | Kiribati
LVA lv f Ilze Zvirgzdiņa | Latvia
LSO ls m Thabo Letlatsa | Lesotho
LBR lr f Josephine Kollie-Weah | Liberia
LIE li f Theresia Marxer-Gassner | Liechtenstein
LTU lt m Rokas Vaitiekaitis | Lithuania
MWI mw f Chikondi Nyasulu | Malawi
MYS my m Azlan Shahiruddin | Malaysia
MDV mv f Aminath Shaheeda | Maldives
MLT mt m Karmenu Zerafa | Malta
MHL mh f Hilda Lokboj | the Marshall Islands
MUS mu m Anand Seeburrun | Mauritius
FSM fm f Marlene Sigrah | the Federated States of Micronesia | Micronesia (Federated States of)
MNG mn m Batbayar Tsogtgerel | Mongolia
MNE me f Jovana Vukmanović | Montenegro
MOZ mz m Armando Chissico | Mozambique
MMR mm m Thiha Kyaw Lin | Myanmar
NAM na f Ndapewa Shilongo | Namibia
NRU nr m Jeremiah Detsiogo | Nauru
NPL np f Sarita Bhattachan | Nepal
NLD nl m Maarten van Heemsbergen | the Kingdom of the Netherlands | Netherlands (Kingdom of the)
NZL nz f Aroha Whitcombe | New Zealand
NGA ng m Chukwuemeka Adebowale | Nigeria
MKD mk f Biljana Stojkovska | North Macedonia
NOR no m Eirik Tveitereid | Norway
PAK pk f Nusrat Jehangiri | Pakistan
PLW pw m Ignacio Rengulbai | Palau
PNG pg m Tobias Waningu | Papua New Guinea
PHL ph f Corazon Villaluz | the Philippines
POL pl m Zbigniew Orlikowski | Poland
PRT pt f Leonor Vasconcelos Prado | Portugal
KOR kr f Yoon Seo-hyun | the Republic of Korea
MDA md m Veaceslav Ciobotaru | the Republic of Moldova
ROU ro f Ileana Crăciunescu | Romania
RWA rw m Innocent Habyalimana-Keza | Rwanda
KNA kn f Cecily Liburd | Saint Kitts and Nevis
LCA lc m Bertrand St. Omer | Saint Lucia
VCT vc f Deborah Ollivierre | Saint Vincent and the Grenadines
WSM ws m Tuimaleali'i Faleafa | Samoa
SMR sm f Ludovica Zafferani | San Marino
SRB rs m Nebojša Radivojević | Serbia
SYC sc f Marie-Ange Hoareau | Seychelles
SLE sl m Ibrahim Sorie Conteh | Sierra Leone
SGP sg f Tan Mei Xuan | Singapore
SVK sk m Radoslav Hruškovič | Slovakia
SVN si f Mojca Žagarnik | Slovenia
SLB sb m Nathaniel Maelanga | Solomon Islands
SOM so m Cabdi Xirsi Faarax | Somalia
ZAF za f Nomvula Dlodlo-Pillay | South Africa
SSD ss m Deng Makuei | South Sudan
LKA lk f Dilrukshi Wijewardana | Sri Lanka
SUR sr m Radjen Kasanmoentalib | Suriname
SWE se f Ingeborg Ekelöf-Lind | Sweden
THA th m Phakphum Rattanasuwan | Thailand
TLS tl f Domingas Belo Sarmento | Timor-Leste
TON to m Siosaia Fotuhava | Tonga
TTO tt f Kamla Ramdeen-Joseph | Trinidad and Tobago
TUR tr m Orhan Selçukoğlu | Türkiye
TUV tv f Teuila Lauti-Paeniu | Tuvalu
UGA ug m Moses Byaruhanga Okot | Uganda
UKR ua f Oksana Verbytska | Ukraine
GBR gb f Philippa Ashworth-Grey | the United Kingdom of Great Britain and Northern Ireland
TZA tz m Juma Mwakyembe Lugalla | the United Republic of Tanzania
USA us m Theodore Pennington | the United States of America
VUT vu f Leisel Tarimanu | Vanuatu
VNM vn m Trần Quang Khải | Viet Nam
ZMB zm f Mutinta Hamoonga | Zambia
ZWE zw m Tendai Marowa | Zimbabwe
"""

# CODE cc m|f Person | in English | after "the Permanent Mission" in the State's
# language
FRENCH = """
AND ad f Meritxell Casadevall | Andorra | de l’Andorre
BEL be m Thibault Vanderlinden | Belgium | de la Belgique
BEN bj f Bérénice Houngbédji | Benin | du Bénin
BFA bf m Wendkouni Sawadogo | Burkina Faso | du Burkina Faso
BDI bi f Espérance Nizigama | Burundi | du Burundi
CMR cm m Célestin Atangana Mveng | Cameroon | du Cameroun
CAF cf f Solange Yakité | the Central African Republic | de la République centrafricaine
TCD td m Mahamat Adoum Nassour | Chad | du Tchad
COM km f Moinaécha Soilihi | the Comoros | des Comores
COG cg m Anicet Mabiala | the Congo | du Congo
CIV ci f Adjoua Kouamélan | Côte d'Ivoire | de la Côte d’Ivoire
COD cd m Dieudonné Kalombo | the Democratic Republic of the Congo | de la République démocratique du Congo
DJI dj m Houssein Bouraleh | Djibouti | de Djibouti
FRA fr f Clémence Desroziers | France | de la France
GAB ga m Hervé Nzamba | Gabon | du Gabon
GIN gn f Mariama Kouyaté | Guinea | de la Guinée
GNB gw m Valdemar Cassamá | Guinea-Bissau | de la Guinée-Bissau
HTI ht f Rose-Laure Dessalines | Haiti | d’Haïti
LAO la m Bounthavy Phomsavath | the Lao People's Democratic Republic | de la République démocratique populaire lao
LUX lu f Joëlle Wagener-Thill | Luxembourg | du Luxembourg
MDG mg m Hery Rakotomanana | Madagascar | de Madagascar
MLI ml f Oumou Dembélé | Mali | du Mali
MCO mc m Honoré Castellari | Monaco | de Monaco
NER ne f Hadiza Maïkassoua | the Niger | du Niger
STP st m Aurélio Viegas da Trindade | Sao Tome and Principe | de Sao Tomé-et-Principe
SEN sn f Ndèye Coumba Diatta | Senegal | du Sénégal
CHE ch m Reto Zumthurm | Switzerland | de la Suisse
TGO tg f Akossiwa Agbodjan | Togo | du Togo
"""

SPANISH = """
ARG ar m Leandro Etchegoyen | Argentina | de la Argentina
BOL bo f Nayra Condorcanqui | the Plurinational State of Bolivia ; Bolivia (Plurinational State of) | del Estado Plurinacional de Bolivia
CHL cl m Cristóbal Undurraga Peña | Chile | de Chile
COL co f Marcela Echandía Restrepo | Colombia | de Colombia
CRI cr m Rodrigo Volio Quesada | Costa Rica | de Costa Rica
CUB cu f Yamila Arencibia | Cuba | de Cuba
DOM do m Ramón Emilio Peguero | the Dominican Republic | de la República Dominicana
ECU ec f Soledad Cevallos Armijos | Ecuador | del Ecuador
SLV sv m Mauricio Quiteño | El Salvador | de El Salvador
GNQ gq f Trinidad Nsue Ondo | Equatorial Guinea | de Guinea Ecuatorial
GTM gt m Julio Ixcot | Guatemala | de Guatemala
HND hn f Reina Zelaya Andino | Honduras | de Honduras
MEX mx m Joaquín Arizmendi Luna | Mexico | de México
NIC ni f Xiomara Cuadra | Nicaragua | de Nicaragua
PAN pa m Belisario Arango | Panama | de Panamá
PRY py f Liz Marlene Bogarín | Paraguay | del Paraguay
PER pe m Álvaro Huamanchumo | Peru | del Perú
ESP es f Begoña Larrañaga Ruiz | Spain | de España
URY uy m Gonzalo Irureta | Uruguay | del Uruguay
VEN ve f Milagros Urdanetta | the Bolivarian Republic of Venezuela ; Venezuela (Bolivarian Republic of) | de la República Bolivariana de Venezuela
"""

# Persons in the dative: the letter's address answers "to whom".
RUSSIAN = """
BLR by m Андрею Ковалевичу | Belarus | Республики Беларусь
KAZ kz f Айгерим Сарсеновой | Kazakhstan | Республики Казахстан
KGZ kg m Нурлану Токтогазиеву | Kyrgyzstan | Кыргызской Республики
RUS ru m Павлу Сергеевичу Никитскому | the Russian Federation | Российской Федерации
TJK tj f Мадине Назарзода | Tajikistan | Республики Таджикистан
TKM tm m Мерету Аннабердиеву | Turkmenistan | Туркменистана
UZB uz f Дильнозе Юсуповой | Uzbekistan | Республики Узбекистан
"""

CHINESE = """
CHN cn m 林致远 | China | 中华人民共和国
"""

ARABIC = """
DZA dz m ياسين بوعلام قاسي | Algeria | للجزائر
BHR bh f نورة الدوسري | Bahrain | للبحرين
EGY eg m شريف عبد العزيز | Egypt | لجمهورية مصر العربية
IRQ iq m كرار الجبوري | Iraq | للعراق
JOR jo f رانيا الخصاونة | Jordan | للأردن
KWT kw m فهد المطيري | Kuwait | للكويت
LBN lb f جمانة الحداد | Lebanon | للبنان
LBY ly m صلاح الورفلي | Libya | لليبيا
MRT mr m سيدي محمد ولد الأمين | Mauritania | لموريتانيا
MAR ma f زينب العلمي | Morocco | للمغرب
OMN om m سالم الحارثي | Oman | لعُمان
QAT qa f موضي الكواري | Qatar | لقطر
SAU sa m ماجد القحطاني | Saudi Arabia | للمملكة العربية السعودية
SDN sd m عثمان الطيب إدريس | the Sudan | للسودان
SYR sy f هالة النابلسي | the Syrian Arab Republic | للجمهورية العربية السورية
TUN tn f سنية بن رجب | Tunisia | لتونس
ARE ae m خليفة الشامسي | the United Arab Emirates | للإمارات العربية المتحدة
YEM ye m طارق الحضرمي | Yemen | لليمن
"""

# What stands before the person, and the office: m, f.
FORMS = {
    "en": (("H.E. Mr. {}", "H.E. Ms. {}"),
           ("Minister for Foreign Affairs",) * 2),
    "fr": (("Son Excellence Monsieur {}", "Son Excellence Madame {}"),
           ("Ministre des affaires étrangères",) * 2),
    "es": (("Excmo. Sr. Don {}", "Excma. Sra. Doña {}"),
           ("Ministro de Relaciones Exteriores",
            "Ministra de Relaciones Exteriores")),
    "ru": (("Его Превосходительству господину {}",
            "Ее Превосходительству госпоже {}"),
           ("Министру иностранных дел",) * 2),
    "zh": (("{}先生阁下", "{}女士阁下"),
           ("外交部部长",) * 2),
    "ar": (("معالي السيد {}", "معالي السيدة {}"),
           ("وزير الخارجية", "وزيرة الخارجية")),
}
MISSIONS = {
    "en": "Permanent Mission of {}", "fr": "Mission permanente {}",
    "es": "Misión Permanente {}", "ru": "Постоянное представительство {}",
    "zh": "{}常驻代表团", "ar": "البعثة الدائمة {}",
}

# Where an office is not called like the others: office, salutation, ministry.
CALLED = {
    "CHE": ("Chef du Département fédéral des affaires étrangères",
            "Monsieur le Conseiller fédéral",
            "Département fédéral des affaires étrangères de la Suisse"),
    "ESP": ("Ministra de Asuntos Exteriores, Unión Europea y Cooperación", "",
            "al Ministerio de Asuntos Exteriores, Unión Europea y Cooperación "
            "de España"),
    "GBR": ("Secretary of State for Foreign, Commonwealth and Development "
            "Affairs", "",
            "Foreign, Commonwealth and Development Office of the United "
            "Kingdom of Great Britain and Northern Ireland"),
    "MEX": ("Secretario de Relaciones Exteriores",
            "Excelentísimo señor Secretario",
            "a la Secretaría de Relaciones Exteriores de México"),
    "PHL": ("Secretary of Foreign Affairs", "",
            "Department of Foreign Affairs of the Philippines"),
    "USA": ("Secretary of State", "",
            "Department of State of the United States of America"),
}

COLUMNS = ("key", "language", "to", "cc", "name", "addressee", "office",
           "office_code", "gender", "salutation", "ministry")


def straight(text):
    return text.removeprefix("the ")


def read_line(language, line):
    """One line of the tables above as the parts that a row is made of."""
    head, *parts = [part.strip() for part in line.split("|")]
    code, country, gender, person = head.split(" ", 3)
    if language == "en":
        english, listed, of = parts[0], parts[1:], parts[0]
    else:
        english, *listed = [part.strip() for part in parts[0].split(";")]
        of = parts[1]
    return (code, country, gender == "f", person,
            listed[0] if listed else straight(english), of)


def make_row(language, line):
    code, country, female, person, name, of = read_line(language, line)
    addressee, office = (form[female] for form in FORMS[language])
    salutation = ministry = ""
    if code in CALLED:
        office, salutation, ministry = CALLED[code]
    domain = f"{country}.members.example"
    return {
        "key": code, "language": language, "to": f"minister@{domain}",
        "cc": f"{MISSIONS[language].format(of)} <mission@{domain}>",
        "name": name, "addressee": addressee.format(person),
        "office": office, "office_code": "minister",
        "gender": "f" if female else "m", "salutation": salutation,
        "ministry": ministry,
    }


def make_rows():
    """By key; every third State has its mission copied in, as China has."""
    tables = (("en", ENGLISH), ("fr", FRENCH), ("es", SPANISH),
              ("ru", RUSSIAN), ("zh", CHINESE), ("ar", ARABIC))
    rows = [make_row(language, line) for language, table in tables
            for line in table.strip().split("\n")]
    rows.sort(key=lambda row: row["key"])
    for index, row in enumerate(rows):
        if index % 3 and row["language"] != "zh":
            row["cc"] = ""
    return rows


def make_faults():
    """An address without its "@", a language that is none (Spanish is "es"),
    and a State that is there twice."""
    rows = {row["key"]: row for row in make_rows()}
    rows["CMR"]["to"] = "minister.cm.members.example"
    rows["PER"]["language"] = "sp"
    again = dict(rows["FRA"], to="cabinet@fr.members.example")
    picked = [rows[key] for key in ("ARG", "AUS", "CMR", "CHN", "EGY", "PER",
                                    "FRA", "GHA", "KAZ")]
    picked.insert(8, again)
    return picked


def main():
    out = csv.DictWriter(
        open(sys.stdout.fileno(), "w", encoding="utf-8", newline="",
             closefd=False), COLUMNS, lineterminator="\n")
    out.writeheader()
    out.writerows(make_faults() if sys.argv[1:] == ["--faults"]
                  else make_rows())


if __name__ == "__main__":
    main()
