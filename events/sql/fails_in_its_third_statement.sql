-- An example of what fails: no column is called mobile.
update customers set email = 'masked.' || id || '@example.com';
update customers set phone = null;
update customers set mobile = null;
