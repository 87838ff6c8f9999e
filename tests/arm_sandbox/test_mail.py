"""Mails: their limits, their place in the world, and their form."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime

from arm_sandbox import mail
from arm_sandbox.world import World


def test_a_mail_is_kept_with_all_that_an_outbox_needs(world: World) -> None:
    made = mail.make(world, "You@example.com", "test", "Subject", "Text")
    assert world.mails == [made]
    assert made == {
        "to": "You@example.com",
        "subject": "Subject",
        "at": "2026-11-23T12:00:01Z",
        "file": "0001-20261123T120001Z-you-example-com.eml",
        "from": "azure-noreply@microsoft.com",
        "text": "Text",
        "kind": "test",
    }


def test_file_names_are_unique_and_in_order(world: World) -> None:
    files = [mail.make(world, "you@example.com", "test", "s", "t")["file"] for _ in range(11)]
    assert files == sorted(set(files))


def test_a_message_can_be_read_by_any_mail_program(world: World) -> None:
    made = mail.make(world, "you@example.com", "alert", "Fired: Größe", "Größe\nof the patch")
    read = message_from_bytes(bytes(mail.message(made)), policy=policy.default)
    assert read["From"] == "Microsoft Azure <azure-noreply@microsoft.com>"
    assert read["To"] == "you@example.com"
    assert read["Subject"] == "Fired: Größe"
    assert parsedate_to_datetime(read["Date"]).timestamp() == world.now
    assert read["Message-ID"] == "<0001-20261123T120001Z-you-example-com@arm-sandbox.invalid>"
    assert read.defects == []
    assert read.get_content().startswith("Größe\nof the patch\n")


def test_a_message_says_where_it_comes_from(world: World) -> None:
    message = mail.message(mail.make(world, "you@example.com", "test", "s", "t"))
    assert "arm_sandbox" in message["X-Arm-Sandbox"]
    assert "arm_sandbox" in message.get_content().splitlines()[-1]


def test_a_message_is_the_same_whenever_it_is_made(world: World) -> None:
    made = mail.make(world, "you@example.com", "test", "s", "t")
    assert bytes(mail.message(made)) == bytes(mail.message(made))


def test_an_address_is_confirmed_from_its_time_on(world: World) -> None:
    assert not mail.confirmed(world, "you@example.com")
    world.addresses["you@example.com"] = world.now + 1
    assert not mail.confirmed(world, "you@example.com")
    world.now += 1
    assert mail.confirmed(world, "YOU@example.com")


def test_what_is_held_back_is_counted_by_address(world: World) -> None:
    assert not mail.deliver(world, "you@example.com", "alert", "s", "t")
    assert not mail.deliver(world, "You@example.com", "alert", "s", "t")
    assert world.mails == []
    assert world.held == {"you@example.com": 2}


def test_the_hundred_of_an_hour_do_not_count_passcodes(world: World) -> None:
    world.addresses["you@example.com"] = world.now
    mail.make(world, "you@example.com", "code", "s", "t")
    sent = [mail.deliver(world, "you@example.com", "alert", "s", "t") for _ in range(101)]
    assert sent == [True] * 100 + [False]
    world.addresses["other@example.com"] = world.now
    assert mail.deliver(world, "other@example.com", "alert", "s", "t")


def test_the_subject_of_an_alert(world: World) -> None:
    event = {
        "resourceId": "/subscriptions/s/resourceGroups/g/providers"
        "/Microsoft.Maintenance/maintenanceConfigurations/nightly",
        "category": {"value": "Administrative"},
        "operationName": {"value": "Microsoft.Maintenance/maintenanceConfigurations/write"},
        "status": {"value": "Succeeded"},
        "caller": "you@sandbox.example",
        "eventTimestamp": "2026-11-23T12:00:00.0000000Z",
        "eventDataId": "e",
    }
    subject, text = mail.alert(world, "audit", "why", event)
    assert subject == (
        "Fired:Sev4 Azure Monitor Alert audit on nightly "
        "(microsoft.maintenance/maintenanceconfigurations) at 11/23/2026 12:00:01 PM"
    )
    assert "Operation name: Microsoft.Maintenance/maintenanceConfigurations/write" in text
