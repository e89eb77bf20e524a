"""What Brindlemark sells, where, to whom and when: the tables of weights behind the sample sales.

All weights are whole numbers, so that every machine draws the same orders.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """`weight` is how often it is bought; `trend` changes that weight per month, in percent of the first month's.

    `returned` of 1,000 lines come back.
    """

    name: str
    category: str
    price_cents: int
    cost_cents: int
    weight: int
    trend: int = 0
    returned: int = 20


PRODUCTS = (
    Product("Alba Two-Group Espresso Machine", "Espresso machines", 389_000, 262_000, 14, 1, 12),
    Product("Alba Single-Group Espresso Machine", "Espresso machines", 214_000, 149_000, 18, 0, 14),
    Product("Corvo Home Espresso Machine", "Espresso machines", 64_900, 44_100, 40, -3, 38),
    Product("Corvo Mini Espresso Machine", "Espresso machines", 38_900, 27_300, 44, 2, 41),
    Product("Tarn Bar Grinder", "Grinders", 98_000, 63_500, 26, 6, 15),
    Product("Tarn Filter Grinder", "Grinders", 72_500, 48_900, 24, 0, 18),
    Product("Pebble Hand Grinder", "Grinders", 8_900, 4_700, 90, 1, 22),
    Product("Pebble Travel Grinder", "Grinders", 11_500, 6_300, 62, 4, 96),
    Product("Ness Batch Brewer", "Brewers", 54_500, 36_800, 30, 1, 16),
    Product("Ness Thermal Carafe", "Brewers", 6_900, 3_400, 96, 0, 19),
    Product("Lumen Pour-Over Set", "Brewers", 4_900, 2_100, 128, 0, 24),
    Product("Lumen Siphon Brewer", "Brewers", 12_900, 7_800, 34, -2, 52),
    Product("Kestrel Kettle 0.9 l", "Kettles", 8_400, 4_600, 104, 1, 17),
    Product("Kestrel Kettle 1.2 l", "Kettles", 9_800, 5_500, 76, 0, 17),
    Product("Kestrel Scale", "Kettles", 5_900, 2_900, 88, 2, 21),
    Product("Harbour Espresso Blend 1 kg", "Coffee", 1_890, 1_120, 420, 1, 6),
    Product("Harbour Decaf Blend 1 kg", "Coffee", 2_050, 1_260, 150, 2, 7),
    Product("Moorland Filter Roast 1 kg", "Coffee", 2_190, 1_340, 300, 0, 6),
    Product("Moorland Single Origin 1 kg", "Coffee", 2_990, 1_980, 170, 3, 8),
    Product("Pressed Cups, sleeve of 50", "Supplies", 690, 310, 310, 0, 4),
    Product("Filter Papers, box of 100", "Supplies", 540, 210, 330, 0, 4),
    Product("Cleaning Tablets, tub of 60", "Supplies", 1_590, 640, 210, 1, 5),
    Product("Water Filter Cartridge", "Supplies", 3_450, 1_720, 160, 1, 9),
    Product("Barista Cloths, pack of 6", "Supplies", 1_250, 480, 120, 0, 5),
)

# Region, its share of customers, and the change of its orders per month in percent of the first month's.
REGIONS = (("North", 24, 1), ("South", 28, 0), ("East", 16, -2), ("West", 20, 2), ("Islands", 12, 0))
SEGMENTS = (("Café", 46), ("Restaurant", 22), ("Office", 18), ("Shop", 14))
CHANNELS = (("Web shop", 55), ("Sales team", 30), ("Phone", 15))
MONTHS = (88, 90, 98, 100, 102, 96, 84, 86, 104, 110, 128, 136)  # January to December
WEEKDAYS = (112, 118, 116, 114, 110, 66, 64)  # Monday to Sunday
DISCOUNTS = ((0, 70), (5, 16), (10, 10), (15, 4))  # percent and how often
QUANTITIES = ((1, 58), (2, 22), (3, 8), (4, 6), (6, 4), (12, 2))  # twelve only where a piece costs under 100 euros
REASONS = (("damaged in transit", 34), ("defective", 26), ("wrong item", 16), ("no longer needed", 24))

FIRST_PARTS = (
    "Amber Anchor Bridge Canal Cedar Corner Ferry Garden Granite Harvest Juniper Lantern Linden Market".split()
)
FIRST_PARTS += "Mill Orchard Quay Rowan Saddle Silver Station Tannery Velvet Willow".split()
LAST_PARTS = "Bakery Bar Bistro Café Canteen Diner Espresso House Kitchen Office Roastery Room Store Table".split()
