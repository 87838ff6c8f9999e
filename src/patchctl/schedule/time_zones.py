"""The time zones that Azure accepts: Windows names, also found from IANA names."""

import difflib
import re
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

NAMES = (
    "Afghanistan Standard Time",
    "Alaskan Standard Time",
    "Aleutian Standard Time",
    "Altai Standard Time",
    "Arab Standard Time",
    "Arabian Standard Time",
    "Arabic Standard Time",
    "Argentina Standard Time",
    "Astrakhan Standard Time",
    "Atlantic Standard Time",
    "AUS Central Standard Time",
    "Aus Central W. Standard Time",
    "AUS Eastern Standard Time",
    "Azerbaijan Standard Time",
    "Azores Standard Time",
    "Bahia Standard Time",
    "Bangladesh Standard Time",
    "Belarus Standard Time",
    "Bougainville Standard Time",
    "Canada Central Standard Time",
    "Cape Verde Standard Time",
    "Caucasus Standard Time",
    "Cen. Australia Standard Time",
    "Central America Standard Time",
    "Central Asia Standard Time",
    "Central Brazilian Standard Time",
    "Central Europe Standard Time",
    "Central European Standard Time",
    "Central Pacific Standard Time",
    "Central Standard Time",
    "Central Standard Time (Mexico)",
    "Chatham Islands Standard Time",
    "China Standard Time",
    "Cuba Standard Time",
    "Dateline Standard Time",
    "E. Africa Standard Time",
    "E. Australia Standard Time",
    "E. Europe Standard Time",
    "E. South America Standard Time",
    "Easter Island Standard Time",
    "Eastern Standard Time",
    "Eastern Standard Time (Mexico)",
    "Egypt Standard Time",
    "Ekaterinburg Standard Time",
    "Fiji Standard Time",
    "FLE Standard Time",
    "Georgian Standard Time",
    "GMT Standard Time",
    "Greenland Standard Time",
    "Greenwich Standard Time",
    "GTB Standard Time",
    "Haiti Standard Time",
    "Hawaiian Standard Time",
    "India Standard Time",
    "Iran Standard Time",
    "Israel Standard Time",
    "Jordan Standard Time",
    "Kaliningrad Standard Time",
    "Kamchatka Standard Time",
    "Korea Standard Time",
    "Libya Standard Time",
    "Line Islands Standard Time",
    "Lord Howe Standard Time",
    "Magadan Standard Time",
    "Magallanes Standard Time",
    "Marquesas Standard Time",
    "Mauritius Standard Time",
    "Mid-Atlantic Standard Time",
    "Middle East Standard Time",
    "Montevideo Standard Time",
    "Morocco Standard Time",
    "Mountain Standard Time",
    "Mountain Standard Time (Mexico)",
    "Myanmar Standard Time",
    "N. Central Asia Standard Time",
    "Namibia Standard Time",
    "Nepal Standard Time",
    "New Zealand Standard Time",
    "Newfoundland Standard Time",
    "Norfolk Standard Time",
    "North Asia East Standard Time",
    "North Asia Standard Time",
    "North Korea Standard Time",
    "Omsk Standard Time",
    "Pacific SA Standard Time",
    "Pacific Standard Time",
    "Pacific Standard Time (Mexico)",
    "Pakistan Standard Time",
    "Paraguay Standard Time",
    "Qyzylorda Standard Time",
    "Romance Standard Time",
    "Russia Time Zone 10",
    "Russia Time Zone 11",
    "Russia Time Zone 3",
    "Russian Standard Time",
    "SA Eastern Standard Time",
    "SA Pacific Standard Time",
    "SA Western Standard Time",
    "Saint Pierre Standard Time",
    "Sakhalin Standard Time",
    "Samoa Standard Time",
    "Sao Tome Standard Time",
    "Saratov Standard Time",
    "SE Asia Standard Time",
    "Singapore Standard Time",
    "South Africa Standard Time",
    "South Sudan Standard Time",
    "Sri Lanka Standard Time",
    "Sudan Standard Time",
    "Syria Standard Time",
    "Taipei Standard Time",
    "Tasmania Standard Time",
    "Tocantins Standard Time",
    "Tokyo Standard Time",
    "Tomsk Standard Time",
    "Tonga Standard Time",
    "Transbaikal Standard Time",
    "Turkey Standard Time",
    "Turks And Caicos Standard Time",
    "Ulaanbaatar Standard Time",
    "US Eastern Standard Time",
    "US Mountain Standard Time",
    "UTC",
    "UTC-02",
    "UTC-08",
    "UTC-09",
    "UTC-11",
    "UTC+12",
    "UTC+13",
    "Venezuela Standard Time",
    "Vladivostok Standard Time",
    "Volgograd Standard Time",
    "W. Australia Standard Time",
    "W. Central Africa Standard Time",
    "W. Europe Standard Time",
    "W. Mongolia Standard Time",
    "West Asia Standard Time",
    "West Bank Standard Time",
    "West Pacific Standard Time",
    "Yakutsk Standard Time",
    "Yukon Standard Time",
)
"""As Azure spells them (terraform-provider-azurerm, internal/services/maintenance,
validate/maintenance.go)."""

# Windows calls both "Old" and CLDR's windowsZones.xml no longer maps them, so tzlocal does not
# either. These are the places in their Windows display names; both have had a fixed offset for
# years, and whether Azure still applies the daylight saving of old Windows is not documented.
OBSOLETE = {
    "Kamchatka Standard Time": "Asia/Kamchatka",
    "Mid-Atlantic Standard Time": "Etc/GMT+2",
}

ABBREVIATED = {
    "AEST": "AUS Eastern Standard Time",
    "AKST": "Alaskan Standard Time",
    "AST": "Atlantic Standard Time",
    "BST": "GMT Standard Time",
    "CDT": "Central Standard Time",
    "CEST": "W. Europe Standard Time",
    "CET": "W. Europe Standard Time",
    "CST": "Central Standard Time",
    "EDT": "Eastern Standard Time",
    "EET": "FLE Standard Time",
    "EST": "Eastern Standard Time",
    "GMT": "GMT Standard Time",
    "HST": "Hawaiian Standard Time",
    "IST": "India Standard Time",
    "JST": "Tokyo Standard Time",
    "MDT": "Mountain Standard Time",
    "MST": "Mountain Standard Time",
    "PDT": "Pacific Standard Time",
    "PST": "Pacific Standard Time",
}
"""What people most likely mean. Only suggested: to IANA, EST and MST have no daylight saving, and
IST and BST are each the name of several zones."""

EXAMPLE = "write for example 'Eastern Standard Time' or 'America/New_York'"

_ACCEPTED = {name.casefold(): name for name in NAMES}
_IANA_OF_WINDOWS = {name.casefold(): iana for name, iana in (win_tz | OBSOLETE).items()}
# tz_win has an entry for no name at all, and abbreviations (see above).
_WINDOWS_OF_IANA = {
    iana.casefold(): name for iana, name in tz_win.items() if iana and not iana.isupper()
}
KNOWN = _ACCEPTED | {
    iana.casefold(): iana
    for iana, name in tz_win.items()
    if "/" in iana and name.casefold() in _ACCEPTED
}
"""Every name that may be written, Windows and IANA, by its name in lower case."""


def windows_name(name: str) -> str:
    """Azure's spelling of a time zone given by its Windows or its IANA name."""
    wanted = name.strip().casefold()
    windows = _WINDOWS_OF_IANA.get(wanted, name).strip()
    if windows.casefold() in _ACCEPTED:
        return _ACCEPTED[windows.casefold()]
    if wanted in _WINDOWS_OF_IANA:
        raise ValueError(
            f"{name!r} is {windows!r} in Windows, which is not in Azure's list of time zones: "
            f"choose a listed zone whose clock agrees, and {EXAMPLE}"
        )
    raise ValueError(_unknown(name))


def zone(windows_name: str) -> ZoneInfo:
    """The clock of a Windows time zone, listed or not: Azure may answer with a newer one."""
    iana = _IANA_OF_WINDOWS.get(windows_name.strip().casefold())
    if iana is None:
        raise ValueError(_unknown(windows_name))
    return ZoneInfo(iana)


def _unknown(name: str) -> str:
    suggestions = " or ".join(repr(each) for each in _suggestions(name.strip()))
    advice = f"did you mean {suggestions}?" if suggestions else EXAMPLE
    short = "" if re.search(r"[/ ]", name) else " (it takes no abbreviations or offsets)"
    return f"{name!r} is not a time zone that Azure knows{short}: {advice}"


def _suggestions(name: str) -> list[str]:
    abbreviation = re.fullmatch(r"([A-Z]+)([0-9].*)?", name.upper())
    if abbreviation and abbreviation[1] in ABBREVIATED:
        return [ABBREVIATED[abbreviation[1]]]
    close = difflib.get_close_matches(name.casefold(), KNOWN, n=3)
    return [KNOWN[each] for each in close]
