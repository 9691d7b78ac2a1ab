"""Contacts: ids that stay, consent that changes, memory that agrees with the database."""

import pytest

from tincall.wechat.contacts import GRANTED, REFUSED, UNKNOWN, WITHDRAWN, Contacts


async def reloaded(store):
    contacts = Contacts(store.database, store.clock)
    await contacts.load()
    return contacts


async def test_a_contact_has_an_opaque_id_that_stays(store):
    contacts = Contacts(store.database, store.clock)
    first = await contacts.put("SN-1", "openid-of-mum", "Mum", GRANTED)
    again = await contacts.put("SN-1", "openid-of-mum", "Mother", UNKNOWN)
    assert again.contact_id == first.contact_id and "openid" not in first.contact_id
    assert contacts.shown("SN-1") == [{"id": first.contact_id, "name": "Mother"}]
    assert "openid-of-mum" not in repr(first)
    assert (await reloaded(store)).of("SN-1") == [again]


async def test_each_board_has_its_own_contacts(store):
    contacts = Contacts(store.database, store.clock)
    one = await contacts.put("SN-1", "mum", "Mum", GRANTED)
    two = await contacts.put("SN-2", "mum", "Mum", GRANTED)
    assert one.contact_id != two.contact_id
    assert [contacts.find(sn, "mum") for sn in ("SN-1", "SN-2", "SN-3")] == [one, two, None]
    assert contacts.of_person("mum") == [one, two]
    assert contacts.get(two.contact_id) == two and contacts.get("nobody") is None


async def test_the_list_is_by_name_and_without_those_who_do_not_want_to(store):
    contacts = Contacts(store.database, store.clock)
    for name, consent in (("Zoe", GRANTED), ("Ann", UNKNOWN), ("Bob", REFUSED), ("Cat", WITHDRAWN)):
        await contacts.put("SN-1", f"openid-{name}", name, consent)
    assert [one["name"] for one in contacts.shown("SN-1")] == ["Ann", "Zoe"]
    assert [one.name for one in contacts.of("SN-1")] == ["Ann", "Bob", "Cat", "Zoe"]


async def test_watchers_hear_what_a_board_must_be_told_and_nothing_else(store):
    contacts = Contacts(store.database, store.clock)
    told = []
    contacts.watchers.append(told.append)
    mum = await contacts.put("SN-1", "mum", "Mum", UNKNOWN)
    await contacts.put("SN-1", "mum", "Mum", GRANTED)
    assert told == ["SN-1"], "a consent that changes nothing on the board"
    assert await contacts.set_consent(mum.contact_id, WITHDRAWN)
    assert await contacts.set_consent(mum.contact_id, REFUSED)
    assert told == ["SN-1", "SN-1"]
    assert await contacts.forget("SN-1", "mum") == 1
    assert told == ["SN-1", "SN-1", "SN-1"]


async def test_consent_is_dated_and_stored(store):
    contacts = Contacts(store.database, store.clock)
    mum = await contacts.put("SN-1", "mum", "Mum", GRANTED)
    store.clock.advance(5000)
    assert await contacts.set_consent(mum.contact_id, WITHDRAWN)
    assert not await contacts.set_consent("nobody", GRANTED)
    now = (await reloaded(store)).get(mum.contact_id)
    assert (now.consent, now.updated_s - mum.updated_s) == (WITHDRAWN, 5)


async def test_all_contacts_of_a_board_can_be_forgotten(store):
    contacts = Contacts(store.database, store.clock)
    for openid in ("mum", "dad"):
        await contacts.put("SN-1", openid, openid, GRANTED)
    kept = await contacts.put("SN-2", "mum", "Mum", GRANTED)
    assert await contacts.forget("SN-1") == 2
    assert await contacts.forget("SN-1") == 0
    assert (await reloaded(store)).of_person("mum") == [kept]


async def test_a_name_fits_a_display(store):
    contacts = Contacts(store.database, store.clock)
    assert (await contacts.put("SN-1", "a", " \n\x1b[31mMum\u202e ", GRANTED)).name == "[31mMum"
    assert len((await contacts.put("SN-1", "b", "x" * 1000, GRANTED)).name) == 64
    nameless = await contacts.put("SN-1", "c", "\t", GRANTED)
    assert nameless.name == nameless.contact_id


async def test_ids_that_meet_are_told_apart(store):
    numbers = iter([bytes(5), bytes(5), bytes([1] * 5)])
    contacts = Contacts(store.database, store.clock, lambda count: next(numbers))
    one = await contacts.put("SN-1", "mum", "Mum", GRANTED)
    two = await contacts.put("SN-1", "dad", "Dad", GRANTED)
    assert one.contact_id != two.contact_id


@pytest.mark.parametrize(("openid", "consent"), [("", GRANTED), ("x" * 129, GRANTED), ("mum", "perhaps")])
async def test_nonsense_is_a_bug_of_ours(store, openid, consent):
    contacts = Contacts(store.database, store.clock)
    with pytest.raises(ValueError):
        await contacts.put("SN-1", openid, "Mum", consent)
    assert contacts.of("SN-1") == []
