from tidegate.settings.redaction import shown_setting, shown_settings


def test_users_are_named_without_their_hashes():
    users = "al:$2b$12$abc, bo:{SHA256}00"
    assert shown_setting("filter.basic_auth.users", users) == "al:(hash), bo:(hash)"
    assert shown_settings({"filter.basic_auth.users": "off", "retry.tries": "1"}) == {
        "filter.basic_auth.users": "off",
        "retry.tries": "1",
    }
