"""Microsoft.Resources/deployments: what is taken, in which order it is made, how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, wait
from tests.arm_sandbox.templates import (
    NETWORK,
    PASSWORD,
    machine_template,
    security_group,
    template,
)

CONFIGURATIONS = "Microsoft.Maintenance/maintenanceConfigurations"
DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/first"


def put(world: World, template: dict[str, Any], path: str = DEPLOYMENT, **values: Any) -> Response:
    return ask(world, "PUT", path, body(template, **values))


def body(template: dict[str, Any], **values: Any) -> dict[str, Any]:
    given = {name: {"value": value} for name, value in values.items()}
    return {"properties": {"mode": "incremental", "template": template, "parameters": given}}


def deployed(world: World, template: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The properties of a deployment that has ended well."""
    accepted = put(world, template, **values)
    assert accepted.status in (200, 201), accepted.body
    assert finish(world, accepted).body == {"status": "Succeeded"}
    properties: dict[str, Any] = ask(world, "GET", DEPLOYMENT).body["properties"]
    return properties


def refused(world: World, template: dict[str, Any], **values: Any) -> str:
    """The message of an `InvalidTemplate`."""
    response = put(world, template, **values)
    assert (response.status, response.body["error"]["code"]) == (400, "InvalidTemplate")
    assert response.body["error"]["additionalInfo"][0]["type"] == "TemplateViolation"
    assert world.find(DEPLOYMENT) is None
    return str(response.body["error"]["message"])


def output(world: World, expression: str, **more: Any) -> Any:
    outputs = {"found": {"type": "string", "value": expression}}
    return deployed(world, template(outputs=outputs, **more))["outputs"]["found"]["value"]


# -- a machine, as `az vm create` makes it


def test_a_deployment_makes_a_machine_with_all_that_it_needs(world: World) -> None:
    accepted = put(world, machine_template(), adminPassword=PASSWORD)
    assert accepted.status == 201
    assert accepted.body["properties"]["provisioningState"] == "Accepted"
    status = accepted.headers["Azure-AsyncOperation"].partition("?")[0]
    assert status.startswith(f"https://management.azure.com{DEPLOYMENT}/operationStatuses/0")
    assert len(status.rsplit("/", 1)[1]) == 20
    wait(world, 2)
    assert ask(world, "GET", status.partition(".com")[2]).body == {"status": "Running"}
    assert finish(world, accepted).body == {"status": "Succeeded"}
    properties = ask(world, "GET", DEPLOYMENT).body["properties"]
    made = [id["id"].rsplit("/", 1)[1] for id in properties["outputResources"]]
    assert made == ["web1", "web1VMNic", "web1NSG", "web1VNET"]
    assert all(world.find(id["id"]) for id in properties["outputResources"])
    assert (properties["mode"], properties["outputs"]) == ("Incremental", {})


def test_a_machine_of_a_template_gets_back_what_it_did_not_ask_for(world: World) -> None:
    deployed(world, machine_template(), adminPassword=PASSWORD)
    machine = world.find(f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web1")
    assert machine is not None
    assert machine.properties["osProfile"]["windowsConfiguration"] == {
        "provisionVMAgent": True,
        "enableAutomaticUpdates": True,
        "patchSettings": {"patchMode": "AutomaticByOS", "assessmentMode": "ImageDefault"},
    }
    disk = machine.properties["storageProfile"]["osDisk"]
    assert disk["managedDisk"]["storageAccountType"] == "Premium_LRS"
    assert disk["createOption"].lower() == "fromimage"


def test_what_it_will_make_is_shown_from_the_start(world: World) -> None:
    properties = put(world, machine_template(), adminPassword=PASSWORD).body["properties"]
    assert properties["providers"] == [
        {
            "namespace": "Microsoft.Network",
            "resourceTypes": [
                {"resourceType": "virtualNetworks", "locations": ["eastus"]},
                {"resourceType": "networkSecurityGroups", "locations": ["eastus"]},
                {"resourceType": "networkInterfaces", "locations": ["eastus"]},
            ],
        },
        {
            "namespace": "Microsoft.Compute",
            "resourceTypes": [{"resourceType": "virtualMachines", "locations": ["eastus"]}],
        },
    ]
    nic, machine = properties["dependencies"]
    assert nic["id"] == f"{NETWORK}/networkInterfaces/web1VMNic"
    assert [needed["resourceName"] for needed in nic["dependsOn"]] == ["web1VNET", "web1NSG"]
    assert machine["dependsOn"][0]["resourceType"] == "Microsoft.Network/networkInterfaces"


def test_a_password_is_nowhere_but_in_the_memory_of_the_sandbox(world: World) -> None:
    seen = [put(world, machine_template(), adminPassword=PASSWORD)]
    for _ in range(40):
        assert PASSWORD not in world.saved()
        wait(world, 5)
        seen.append(ask(world, "GET", DEPLOYMENT))
    assert seen[-1].body["properties"]["provisioningState"] == "Succeeded"
    seen += [ask(world, "GET", DEPLOYMENT), ask(world, "GET", f"{DEPLOYMENT}/operations")]
    seen.append(ask(world, "GET", f"{DEPLOYMENT[:-6]}"))
    assert PASSWORD not in json.dumps([response.body for response in seen])
    assert seen[-3].body["properties"]["parameters"] == {"adminPassword": {"type": "SecureString"}}
    assert world.deploying == {}


def test_a_deployment_does_not_survive_the_process_that_knew_its_template(world: World) -> None:
    accepted = put(world, machine_template(), adminPassword=PASSWORD)
    wait(world, 10)
    again = World.from_json(json.loads(world.saved()))
    status = finish(again, accepted).body
    assert status["status"] == "Canceled"
    assert "Deploy again" in status["error"]["message"]


def test_a_resource_is_begun_when_what_it_needs_stands(world: World) -> None:
    accepted = put(world, machine_template(), adminPassword=PASSWORD)
    finish(world, accepted)
    times: dict[str, tuple[str, str]] = {}
    for event in world.events:
        if event["operationName"]["value"].startswith(("Microsoft.Network", "Microsoft.Compute")):
            name = event["resourceId"].rsplit("/", 1)[1]
            times[name] = (*times.get(name, ())[:1], event["eventTimestamp"])
    assert times["web1VMNic"][0] >= max(times["web1VNET"][1], times["web1NSG"][1])
    assert times["web1"][0] >= times["web1VMNic"][1]
    assert times["web1VNET"][0] == times["web1NSG"][0]


def test_a_second_deployment_changes_what_is_different_and_answers_200(world: World) -> None:
    deployed(world, template(security_group()))
    again = put(world, template(security_group(tags={"a": "b"})))
    assert again.status == 200
    finish(world, again)
    group = world.find(f"{NETWORK}/networkSecurityGroups/nsg")
    assert group is not None
    assert group.body["tags"] == {"a": "b"}


# -- how it ends


def test_a_failed_resource_fails_the_deployment_and_what_needs_it_is_not_begun(
    world: World,
) -> None:
    wrong = security_group("wrong", properties={"securityRules": [{"name": "r", "properties": {}}]})
    accepted = put(
        world,
        template(wrong, security_group("other"), security_group("after", dependsOn=["wrong"])),
    )
    status = finish(world, accepted)
    assert (status.status, status.body["status"]) == (200, "Failed")
    error = status.body["error"]
    assert (error["code"], error["target"]) == ("DeploymentFailed", DEPLOYMENT)
    assert error["details"][0]["code"] == "SecurityRuleInvalidPriority"
    assert world.find(f"{NETWORK}/networkSecurityGroups/other")
    assert world.find(f"{NETWORK}/networkSecurityGroups/after") is None
    properties = ask(world, "GET", DEPLOYMENT).body["properties"]
    assert (properties["provisioningState"], properties["error"]) == ("Failed", error)


def test_an_api_version_that_is_not_offered_fails_it(world: World) -> None:
    status = finish(world, put(world, template(security_group(apiVersion="2014-01-01")))).body
    (detail,) = status["error"]["details"]
    assert detail["code"] == "NoRegisteredProviderFound"
    assert "for location 'eastus' and API version '2014-01-01'" in detail["message"]


def test_the_operations_of_a_deployment_are_told_one_by_one(world: World) -> None:
    wrong = security_group("wrong", properties={"securityRules": [{"name": "r", "properties": {}}]})
    finish(world, put(world, template(security_group(), wrong)))
    operations = ask(world, "GET", f"{GROUP}/deployments/first/operations").body["value"]
    good, bad = (operation["properties"] for operation in operations)
    assert (good["provisioningState"], good["statusCode"]) == ("Succeeded", "Created")
    assert good["targetResource"]["resourceName"] == "nsg"
    assert (bad["provisioningState"], bad["statusCode"]) == ("Failed", "BadRequest")
    assert bad["statusMessage"]["error"]["code"] == "SecurityRuleInvalidPriority"
    path = f"{DEPLOYMENT}/operations/{operations[0]['operationId']}"
    assert ask(world, "GET", path).body == operations[0]
    missing = ask(world, "GET", f"{DEPLOYMENT}/operations/0")
    assert (missing.status, missing.body["error"]["code"]) == (404, "DeploymentOperationNotFound")


def test_the_evaluation_of_outputs_is_an_operation_too(world: World) -> None:
    deployed(world, template(security_group()))
    last = ask(world, "GET", f"{DEPLOYMENT}/operations").body["value"][-1]["properties"]
    assert last["provisioningOperation"] == "EvaluateDeploymentOutput"


def test_what_compute_can_see_at_once_is_refused_at_once(world: World) -> None:
    response = put(
        world,
        machine_template(hardwareProfile={"vmSize": "Standard_None"}),
        adminPassword=PASSWORD,
    )
    error = response.body["error"]
    assert (response.status, error["code"]) == (400, "InvalidTemplateDeployment")
    assert error["details"][0]["target"] == "vmSize"
    assert world.find(DEPLOYMENT) is None


def test_a_quota_has_a_code_of_its_own_in_a_template(world: World) -> None:
    world.options.quota = {"cores": 1}
    error = put(world, machine_template(), adminPassword=PASSWORD).body["error"]
    assert error["code"] == "InvalidTemplateDeployment"
    assert error["details"][0]["code"] == "QuotaExceeded"
    assert "exceeding approved Total Regional Cores quota" in error["details"][0]["message"]


def test_a_weak_password_is_refused_without_showing_it(world: World) -> None:
    response = put(world, machine_template(), adminPassword="canary")
    assert response.body["error"]["details"][0]["target"] == "adminPassword"
    assert "canary" not in json.dumps(response.body)


def test_the_providers_of_a_template_are_registered_with_it() -> None:
    world = World(now=1_795_435_200.0)
    ask(world, "PUT", GROUP, {"location": "eastus"})
    configuration = {
        "type": CONFIGURATIONS,
        "apiVersion": "2023-04-01",
        "name": "mc",
        "location": "eastus",
        "properties": {"maintenanceScope": "Host"},
    }
    began = world.now
    deployed(world, template(configuration))
    assert world.now - began >= 30
    path = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance"
    assert ask(world, "GET", path).body["registrationState"] == "Registered"


# -- looking at it, and taking it away


def test_validation_makes_nothing(world: World) -> None:
    asked = body(machine_template(), adminPassword=PASSWORD)
    properties = ask(world, "POST", f"{DEPLOYMENT}/validate", asked).body["properties"]
    assert properties["provisioningState"] == "Succeeded"
    names = [found["id"].rsplit("/", 1)[1] for found in properties["validatedResources"]]
    assert names == ["web1VNET", "web1NSG", "web1VMNic", "web1"]
    assert PASSWORD not in json.dumps(properties)
    assert [key for key in world.resources if "/providers/" in key] == []


def test_deployments_are_listed_and_are_no_resources_of_the_group(world: World) -> None:
    deployed(world, template(security_group()))
    listed = ask(world, "GET", DEPLOYMENT.rsplit("/", 1)[0]).body["value"]
    assert [found["id"] for found in listed] == [DEPLOYMENT]
    resources = ask(world, "GET", f"{GROUP}/resources").body["value"]
    assert [found["name"] for found in resources] == ["nsg"]


def test_a_deployment_exists_or_not(world: World) -> None:
    assert ask(world, "HEAD", DEPLOYMENT).status == 404
    missing = ask(world, "GET", DEPLOYMENT)
    assert (missing.status, missing.body["error"]["code"]) == (404, "DeploymentNotFound")
    deployed(world, template())
    assert ask(world, "HEAD", DEPLOYMENT).status == 204


def test_deleting_a_deployment_leaves_what_it_made(world: World) -> None:
    deployed(world, template(security_group()))
    response = ask(world, "DELETE", DEPLOYMENT)
    assert response.status == 202
    assert finish(world, response).status == 204
    assert ask(world, "HEAD", DEPLOYMENT).status == 404
    assert world.find(f"{NETWORK}/networkSecurityGroups/nsg")
    assert ask(world, "DELETE", DEPLOYMENT).status == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_running_deployment_is_neither_replaced_nor_deleted(world: World, method: str) -> None:
    put(world, template(security_group()))
    response = ask(world, method, DEPLOYMENT, body(template()))
    assert (response.status, response.body["error"]["code"]) == (409, "DeploymentActive")
    assert "from '11/23/2026 12:00:01 PM' is still active" in response.body["error"]["message"]


def test_a_cancelled_deployment_begins_nothing_more(world: World) -> None:
    accepted = put(world, machine_template(), adminPassword=PASSWORD)
    wait(world, 2)
    assert ask(world, "POST", f"{DEPLOYMENT}/cancel").status == 204
    wait(world, 300)
    assert finish(world, accepted).body == {"status": "Canceled"}
    assert world.find(f"{NETWORK}/virtualNetworks/web1VNET")
    assert world.find(f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web1") is None
    again = ask(world, "POST", f"{DEPLOYMENT}/cancel")
    assert (again.status, again.body["error"]["code"]) == (409, "DeploymentCannotBeCancelled")


def test_a_deployment_goes_with_its_group(world: World) -> None:
    put(world, machine_template(), adminPassword=PASSWORD)
    wait(world, 2)
    finish(world, ask(world, "DELETE", GROUP))
    wait(world, 600)
    assert ask(world, "GET", GROUP).status == 404
    assert world.deploying == {}


def test_a_deployment_may_do_what_its_sender_may_do(world: World) -> None:
    reader = "0b1ec700-0000-4000-8000-0000000000cc"
    definition = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # Reader
    network = "4d97b98b-1d4f-4787-a291-c67834d212e7"  # Network Contributor
    for number, role in enumerate((definition, network)):
        name = f"{number:08}-0000-4000-8000-000000000000"
        path = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{name}"
        roles = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        properties = {"principalId": reader, "roleDefinitionId": roles, "principalType": "User"}
        assert (
            ask(world, "PUT", path, {"properties": properties}, version="2022-04-01").status == 201
        )
    machine = machine_template()
    who = {"oid": reader, "upn": "reader@sandbox.example"}
    accepted = ask(world, "PUT", DEPLOYMENT, body(machine, adminPassword=PASSWORD), who=who)
    error = finish(world, accepted).body["error"]
    assert [detail["code"] for detail in error["details"]] == ["AuthorizationFailed"]
    assert "Microsoft.Compute/virtualMachines/write" in error["details"][0]["message"]


# -- refusals of templates


def test_refuses_another_mode(world: World) -> None:
    asked = body(template())
    asked["properties"]["mode"] = "Complete"
    response = ask(world, "PUT", DEPLOYMENT, asked)
    assert (response.status, response.body["error"]["code"]) == (400, "InvalidDeploymentMode")


def test_refuses_a_request_without_a_template(world: World) -> None:
    response = ask(world, "PUT", DEPLOYMENT, {"properties": {"mode": "Incremental"}})
    assert (response.status, response.body["error"]["code"]) == (400, "InvalidRequestContent")


def test_refuses_a_name_that_is_too_long(world: World) -> None:
    response = put(world, template(), DEPLOYMENT + "x" * 60)
    assert (response.status, response.body["error"]["code"]) == (400, "InvalidDeploymentName")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            [security_group("a", dependsOn=["b"]), security_group("b", dependsOn=["A"])],
            "Circular dependency detected on resource: '",
        ),
        ([security_group(dependsOn=["gone"])], "The template reference 'gone' is not valid: could"),
        (
            [security_group(dependsOn=["Microsoft.Network/virtualNetworks/v"])],
            "The resource 'Microsoft.Network/virtualNetworks/v' is not defined in the template",
        ),
        ([security_group(), security_group("NSG")], "is defined multiple times in a template"),
        ([security_group("a/b")], "The template resource 'a/b' for type 'Microsoft.Network/"),
        (
            [security_group(tags={"a": "[guid('x')]"})],
            "The template resource 'nsg' at line '0' and column '0' is not valid: The template "
            "function 'guid' is not valid. Please see https://aka.ms/arm-functions",
        ),
        (
            [security_group("[reference('x').name]")],
            "The template function 'reference' is not expected at this location",
        ),
        ({"nsg": security_group()}, "whose resources have symbolic names"),
        (
            [security_group(type="Microsoft.Resources/deployments")],
            "knows no deployments inside of a template",
        ),
    ],
)
def test_refuses_wrong_templates(world: World, resources: Any, message: str) -> None:
    assert message in refused(world, template() | {"resources": resources})


def test_refuses_a_resource_without_an_api_version(world: World) -> None:
    response = put(
        world, template({k: v for k, v in security_group().items() if k != "apiVersion"})
    )
    assert (response.status, response.body["error"]["code"]) == (400, "InvalidRequestContent")
    assert "'apiVersion'" in response.body["error"]["message"]


@pytest.mark.parametrize(
    ("declared", "values", "message"),
    [
        ({"a": {"type": "string"}}, {}, "The value for the template parameter 'a' at line"),
        ({}, {"b": 1}, "The template parameters 'b' in the parameters file are not valid"),
        ({"a": {"type": "int"}}, {"a": "x"}, "Expected 'Int'. Actual 'str'"),
        ({"a": {"type": "int"}}, {"a": True}, "Expected 'Int'"),
        ({"a": {"type": "what"}}, {"a": 1}, "type 'what' is not supported"),
        ({"a": {"type": "string", "allowedValues": ["x", "y"]}}, {"a": "z"}, "value(s): 'x,y'"),
        ({"a": {"type": "securestring", "minLength": 4}}, {"a": "zzz"}, "or equal to '4'"),
        ({"a": {"type": "int", "maxValue": 4}}, {"A": 5}, "should be less than or equal to '4'"),
        (
            {"a": {"type": "securestring", "allowedValues": ["x"]}},
            {"a": "canary"},
            "The value is not part of the allowed value(s)",
        ),
    ],
)
def test_refuses_wrong_values(
    world: World, declared: dict[str, Any], values: dict[str, Any], message: str
) -> None:
    told = refused(world, template(parameters=declared), **values)
    assert message in told
    assert "canary" not in told


# -- expressions


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[concat('a', 'b', 1)]", "ab1"),
        ("[concat(createArray(1), createArray('it''s'))]", [1, "it's"]),
        ("[[not an expression]", "[not an expression]"),
        ("[toUpper(resourceGroup().name)]", "RG-TEST"),
        ("[subscription().subscriptionId]", SUBSCRIPTION[15:]),
        ("[deployment().name]", "first"),
        ("[format('{0}-{1}', 'a', 2)]", "a-2"),
        ("[substring('abcdef', 1, 3)]", "bcd"),
        ("[replace('a.b', '.', '-')]", "a-b"),
        ("[split('a,b', ',')[1]]", "b"),
        ("[join(createArray('a', 'b'), '+')]", "a+b"),
        ("[length('abc')]", 3),
        ("[if(equals(1, 2), guid('never looked at'), 'no')]", "no"),
        ("[and(true(), not(false()))]", True),
        ("[or(empty(''), greater(1, 2))]", True),
        ("[contains(createObject('Key', 1), 'key')]", True),
        ("[union(createObject('a', 1), createObject('b', 2))]", {"a": 1, "b": 2}),
        ("[coalesce(null(), 'x')]", "x"),
        ("[add(mul(2, 3), div(7, 2))]", 9),
        ("[max(1, 2)]", 2),
        ("[int('7')]", 7),
        ("[bool('True')]", True),
        ("[string(createArray(1, 'a'))]", '[1,"a"]'),
        ("[json('{\"a\": 1}').a]", 1),
        ("[base64('a')]", "YQ=="),
        ("[first('abc')]", "a"),
        ("[last(createArray(1, 2))]", 2),
        (
            "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')]",
            f"{NETWORK}/virtualNetworks/v/subnets/s",
        ),
        (
            "[resourceId('other', 'Microsoft.Network/virtualNetworks', 'v')]",
            f"{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v",
        ),
        (
            "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/r",
        ),
        (
            "[extensionResourceId('/x', 'Microsoft.Maintenance/configurationAssignments', 'a')]",
            "/x/providers/Microsoft.Maintenance/configurationAssignments/a",
        ),
    ],
)
def test_functions(world: World, expression: str, value: Any) -> None:
    assert output(world, expression) == value


def test_a_unique_string_follows_from_its_arguments(world: World) -> None:
    one = output(world, "[uniqueString(resourceGroup().id)]")
    assert one == output(world, "[uniqueString(resourceGroup().id)]")
    assert one != output(world, "[uniqueString('x')]")
    assert len(one) == 13


def test_parameters_defaults_and_variables_lead_to_each_other(world: World) -> None:
    found = deployed(
        world,
        template(
            parameters={
                "name": {"type": "string"},
                "Nic": {"type": "string", "defaultValue": "[concat(parameters('NAME'), '-nic')]"},
                "password": {"type": "secureString", "defaultValue": "x"},
            },
            variables={
                "both": ["[parameters('nic')]", "[variables('place').in]"],
                "place": {"in": "x"},
            },
            outputs={
                "both": {"type": "array", "value": "[variables('both')]"},
                "password": {"type": "secureString", "value": "[parameters('password')]"},
                "never": {"type": "int", "value": 1, "condition": "[equals(1, 2)]"},
            },
        ),
        name="web",
    )
    assert found["outputs"] == {
        "both": {"type": "Array", "value": ["web-nic", "x"]},
        "password": {"type": "SecureString"},
    }
    assert found["parameters"]["Nic"] == {"type": "String", "value": "web-nic"}
    assert found["parameters"]["password"] == {"type": "SecureString"}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[concat('a']", "expected token 'RightParenthesis' and actual 'EndOfData'"),
        ("[concat('a' 'b')]", "expected token 'RightParenthesis' and actual 'Literal'"),
        ("[concat]", "expected token 'LeftParenthesis' and actual 'EndOfData'"),
        ("[concat('a') b]", "expected token 'EndOfData' and actual 'Identifier'"),
        ("[parameters('gone')]", "The template parameter 'gone' is not found"),
        ("[variables('gone')]", "The template variable 'gone' is not found"),
        ("[variables('round')]", "refers to itself"),
        ("[createArray(1)[3]]", "array index '3' is out of bounds"),
        ("[createObject('a', 1).b]", "property 'b' doesn't exist, available properties are 'a'"),
        ("[substring('a', 5, 1)]", "language function 'substring': its arguments are not valid"),
        ("[resourceId('Microsoft.Network/virtualNetworks')]", "requires '1' resource name"),
        ("[if(true())]", "function requires 3 argument(s) while 1 were provided"),
        ("[copyIndex()]", "'copyIndex' is not expected at this location"),
        ("[listKeys('x', '2020-01-01')]", "The template function 'listKeys' is not valid"),
    ],
)
def test_refuses_wrong_expressions(world: World, expression: str, message: str) -> None:
    written = template(
        security_group(tags={"a": expression}), variables={"round": "[variables('round')]"}
    )
    assert message in refused(world, written)


def test_outputs_that_cannot_be_told_fail_the_deployment(world: World) -> None:
    outputs = {
        "found": {
            "type": "string",
            "value": f"[reference('{NETWORK}/virtualNetworks/v', '2024-05-01')]",
        }
    }
    error = finish(world, put(world, template(outputs=outputs))).body["error"]
    assert error["code"] == "DeploymentOutputEvaluationFailed"
    assert "was not found" in error["details"][0]["message"]


# -- resources


def test_reference_waits_for_what_it_refers_to(world: World) -> None:
    address = {
        "type": "Microsoft.Network/publicIPAddresses",
        "apiVersion": "2024-05-01",
        "name": "pip",
        "location": "eastus",
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"},
    }
    pip = f"{NETWORK}/publicIPAddresses/pip"
    tagged = security_group(tags={"ip": "[reference('pip').ipAddress]"})
    outputs = {
        "sku": {
            "type": "string",
            "value": f"[reference('{pip}', '2024-05-01', 'Full').sku.name]",
        }
    }
    found = deployed(world, template(tagged, address, outputs=outputs))
    assert found["outputs"]["sku"]["value"] == "Standard"
    group = ask(world, "GET", f"{NETWORK}/networkSecurityGroups/nsg", version="2024-05-01").body
    standing = ask(world, "GET", pip, version="2024-05-01").body
    assert group["tags"] == {"ip": standing["properties"]["ipAddress"]}


def test_copies_conditions_children_and_scopes(world: World) -> None:
    network = {
        "type": "Microsoft.Network/virtualNetworks",
        "apiVersion": "2024-05-01",
        "name": "v",
        "location": "eastus",
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        "resources": [
            {
                "type": "subnets",
                "apiVersion": "2024-05-01",
                "name": "s",
                "dependsOn": ["v", "each", "never"],
                "properties": {"addressPrefix": "10.0.1.0/24"},
            }
        ],
    }
    copies = security_group("[concat('nsg', copyIndex(1))]", copy={"name": "each", "count": 2})
    deployed(world, template(network, copies, security_group("never", condition=False)))
    names = {id.rsplit("/", 1)[1] for id in world.resources if "/microsoft.network/" in id}
    assert names == {"v", "s", "nsg1", "nsg2"}


def test_copies_refer_to_copies(world: World) -> None:
    """As `az vm create --count` writes it."""
    deployed(world, machine_template(), adminPassword=PASSWORD)
    address = {
        "type": "Microsoft.Network/publicIPAddresses",
        "apiVersion": "2022-01-01",
        "name": "[concat('pip', copyIndex())]",
        "location": "eastus",
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"},
        "copy": {"name": "addresses", "mode": "parallel", "count": 2},
    }
    own = f"[concat('{NETWORK}/publicIPAddresses/pip', copyIndex())]"
    subnet = {"id": f"{NETWORK}/virtualNetworks/web1VNET/subnets/web1Subnet"}
    configuration = {"subnet": subnet, "publicIPAddress": {"id": own}}
    nic = {
        "type": "Microsoft.Network/networkInterfaces",
        "apiVersion": "2015-06-15",
        "name": "[concat('nic', copyIndex())]",
        "location": "eastus",
        "dependsOn": ["Microsoft.Network/publicIpAddresses/pip0", "pip1"],
        "properties": {"ipConfigurations": [{"name": "c", "properties": configuration}]},
        "copy": {"name": "interfaces", "count": 2},
    }
    made = deployed(world, template(address, nic))["outputResources"]
    assert [id["id"].rsplit("/", 1)[1] for id in made] == ["nic0", "nic1", "pip0", "pip1"]


def test_an_extension_hangs_on_what_its_scope_names(world: World) -> None:
    deployed(world, machine_template(), adminPassword=PASSWORD)
    machine = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web1"
    assignment = {
        "type": "Microsoft.Maintenance/configurationAssignments",
        "apiVersion": "2023-04-01",
        "name": "a",
        "scope": "Microsoft.Compute/virtualMachines/web1",
        "location": "eastus",
        "properties": {
            "maintenanceConfigurationId": f"[resourceId('{CONFIGURATIONS}', 'm')]",
        },
    }
    error = finish(world, put(world, template(assignment))).body["error"]
    operation = ask(world, "GET", f"{DEPLOYMENT}/operations").body["value"][0]["properties"]
    assert operation["targetResource"]["id"] == f"{machine}/providers/{assignment['type']}/a"
    assert error["details"][0]["code"] != "InvalidTemplate"
