"""Limit values that hold from 2030 on, and those of a year that hold until then.

Directive (EU) 2024/2881 in place of 2008/50/EC: lower values, more of them by the day, and all the
means of a day those of its 24 hours.
"""

from engine.pollutants import CO, NO2, PM10, PM25, SO2

DAY_PARTS_2030 = (PM25, PM10, SO2, NO2, CO)
"""Pollutants with a limit of a day from 2030 on."""
DAY_LIMITS_2030 = {PM25: 25.0, PM10: 45.0, SO2: 50.0, NO2: 50.0, CO: 4.0}
"""µg/m³, of CO mg/m³."""
DAYS_ALLOWED_2030 = {PM25: 18, PM10: 18, SO2: 18, NO2: 18, CO: 0}
"""A year; of CO our source names no number."""
HOUR_PARTS_2030 = (NO2, SO2)
HOURS_ALLOWED_2030 = {NO2: 3, SO2: 3}
"""Hours of a year above 200 and 350 µg/m³: the limits of an hour stay what they are."""
YEAR_PARTS_EU = (PM25, PM10, SO2, NO2)
YEAR_LIMITS = {PM25: 25.0, PM10: 40.0, NO2: 40.0}
"""Annual limit values until 2030; SO2 has none that protects health."""
YEAR_LIMITS_2030 = {PM25: 10.0, PM10: 20.0, SO2: 20.0, NO2: 20.0}
YEAR_SHARE = 0.9
"""Of the hours of a year that an annual mean needs."""
